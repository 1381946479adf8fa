import { effectiveDeployments, type Move, moves, readState, recordUp, UP_PATH, upText } from '@millrace/release'
import type { Store } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { CURRENT, movePath } from '../../../../platform/release/records/layout.ts'
import { makeMove, moveBefore } from '../../../../platform/release/records/make-move.ts'
import { writeRelease } from '../../../../platform/release/records/read-releases.ts'
import { mistakeOf } from '../../sdk/failure.ts'
import { withEachStore } from './places.ts'
import { local, releaseOf } from './sample.ts'

let seconds = 0

/** Writes a release of one flow, as `up` and `deploy` do. @returns its id */
function write(records: Store, queue: string): Promise<string> {
  return writeRelease(records, releaseOf([local('a', { queue })]), new Date(Date.UTC(2026, 0) + ++seconds * 1000))
}

/** Makes a release the current one, as a deploy does. */
function moveTo(records: Store, release: string, by = 'ada'): Promise<Move | undefined> {
  return makeMove(records, { by }, async ({ head, branches }) => ({
    kind: 'deploy',
    names: [by],
    release,
    before: moveBefore(head, release),
    branches,
  }))
}

/** What `up` does: it writes, whatever is there. */
async function up(records: Store, queue: string): Promise<string> {
  const id = await write(records, queue)
  await records.write(UP_PATH, upText(id))
  return id
}

const history = async (records: Store): Promise<Move[]> =>
  Array.fromAsync(moves(records, (await readState(records)).head))

withEachStore('what is deployed', (open) => {
  it('is nothing at first', async () => {
    const { deployments, record } = await effectiveDeployments(open())
    expect([deployments, record]).toEqual([[], undefined])
  })

  it('loses no change of many that are made at once, and has them all in its history, in order', async () => {
    const records = open()
    const id = await write(records, 'one')
    const who = Array.from({ length: 20 }, (_, index) => `writer-${index}`)
    const made = await Promise.all(who.map((by) => moveTo(records, id, by)))
    expect(made.map((move) => move?.number).sort((a = 0, b = 0) => a - b)).toEqual(who.map((_, index) => index + 1))
    const all = await history(records)
    expect(all.map(({ number }) => number)).toEqual(who.map((_, index) => 20 - index))
    expect(all.map(({ by }) => by).sort()).toEqual(who.toSorted())
    const times = all.map(({ at }) => at)
    expect(times.toSorted().reverse()).toEqual(times)
  })

  it('is thought about again, with what somebody else did meanwhile', async () => {
    const records = open()
    const [one, two] = [await write(records, 'one'), await write(records, 'two')]
    const seen: (string | undefined)[] = []
    await makeMove(records, { by: 'slow' }, async ({ release, head, branches }) => {
      seen.push(release)
      if (seen.length === 1) await moveTo(records, one, 'quick')
      return { kind: 'deploy', names: [], release: two, before: moveBefore(head, two), branches }
    })
    expect(seen).toEqual([undefined, one])
    expect((await history(records)).map(({ by, from, release }) => [by, from, release])).toEqual([
      ['slow', one, two],
      ['quick', undefined, one],
    ])
  })

  it('is what up made last, from when it is there, without anybody doing anything', async () => {
    const records = open()
    const first = await up(records, 'one')
    expect(await readState(records)).toMatchObject({ release: first, isUpNewer: true })
    expect((await effectiveDeployments(records)).deployments).toMatchObject([{ name: 'a', queue: 'one' }])
    await moveTo(records, await write(records, 'two'))
    expect((await effectiveDeployments(records)).deployments).toMatchObject([{ queue: 'two' }])
    const third = await up(records, 'three')
    expect((await effectiveDeployments(records)).state.release).toBe(third)
  })

  it('has each release of up in its history before what came after it', async () => {
    const records = open()
    const first = await up(records, 'one')
    const second = await write(records, 'two')
    await moveTo(records, second)
    const third = await up(records, 'three')
    expect((await recordUp(records))?.release).toBe(third)
    expect(await recordUp(records)).toBeUndefined()
    expect((await history(records)).map(({ kind, from, release, up }) => [kind, from, release, up])).toEqual([
      ['release', second, third, third],
      ['deploy', first, second, first],
      ['release', undefined, first, first],
    ])
  })

  it('stays what it was changed to when up has nothing new', async () => {
    const records = open()
    const first = await up(records, 'one')
    const second = await write(records, 'two')
    await moveTo(records, second)
    await records.write(UP_PATH, upText(first))
    expect((await readState(records)).release).toBe(second)
    expect(await recordUp(records)).toBeUndefined()
  })

  it('is known though the copy of the newest move lags behind, is lost, or is nonsense', async () => {
    const records = open()
    const id = await write(records, 'one')
    await moveTo(records, id, 'ada')
    const old = await records.readText(CURRENT)
    await moveTo(records, id, 'bob')
    await moveTo(records, id, 'eve')
    for (const copy of [old, '{', '{"format":1}']) {
      await records.write(CURRENT, copy)
      expect((await readState(records)).head?.by).toBe('eve')
    }
    await records.remove(CURRENT)
    expect((await readState(records)).head?.by).toBe('eve')
    expect((await moveTo(records, id, 'zoe'))?.number).toBe(4)
  })

  it('is told to who asks again from where they were', async () => {
    const records = open()
    await moveTo(records, await write(records, 'one'))
    const before = await effectiveDeployments(records)
    expect((await effectiveDeployments(records, before)).record).toBe(before.record)
    const two = await write(records, 'two')
    await moveTo(records, two)
    await moveTo(records, two)
    const after = await effectiveDeployments(records, before)
    expect([after.state.head?.number, after.deployments[0]?.queue]).toEqual([3, 'two'])
  })

  it('is not guessed at where a move is not as it should be', async () => {
    const records = open()
    await moveTo(records, await write(records, 'one'))
    await records.write(movePath(2), '{"format": 1, "number": 2}')
    expect(await mistakeOf(() => readState(records))).toMatch(/^store .*: history\/00000002\.json: \w+: /)
    await records.write(movePath(2), '{"format": 3}')
    expect(await mistakeOf(() => readState(records))).toContain('was written by a newer version of Millrace')
  })
})
