import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { brieflyCachedNote, cachedByKey, cachedNote } from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf } from '../../../until.ts'
import { complete, run, type Stage } from '../stage.ts'

export function cachedResults(_kind: ExecutorKind, stage: () => Stage): void {
  it('reuses the result of an equal call of an earlier run', async () => {
    const file = stage().file()
    const value = { a: [1, 2], when: new Date(0) }
    expect(await complete(stage(), () => cachedNote(file, value))).toEqual(value)
    const {
      run: second,
      result,
      tallies,
    } = await run(stage(), () => cachedNote(file, { when: new Date(0), a: [1, 2] }))
    expect(result).toEqual(value)
    expect(linesOf(file)).toHaveLength(1)
    expect(tallies.get('cached-note')).toMatchObject({ done: 1, reused: 1 })
    expect(await stage().store.taskCounts(second.id)).toEqual({ 'cached-note': { Cached: 1 } })
  })

  it('runs a call with other arguments', async () => {
    const file = stage().file()
    await complete(stage(), () => cachedNote(file, 1))
    await complete(stage(), () => cachedNote(file, 2))
    expect(linesOf(file)).toHaveLength(2)
  })

  it('runs a call again when its result is too old', async () => {
    const file = stage().file()
    await complete(stage(), () => brieflyCachedNote(file))
    await complete(stage(), () => brieflyCachedNote(file))
    expect(linesOf(file)).toHaveLength(1)
    await new Promise((resolve) => setTimeout(resolve, 160))
    await complete(stage(), () => brieflyCachedNote(file))
    expect(linesOf(file)).toHaveLength(2)
  })

  it('goes by the key alone where one is given', async () => {
    const file = stage().file()
    expect(await complete(stage(), () => cachedByKey(file, 1))).toBe(1)
    expect(await complete(stage(), () => cachedByKey(file, 2))).toBe(1)
    expect(linesOf(file)).toHaveLength(1)
  })

  it('keeps a result of 2 MB', async () => {
    const file = stage().file()
    const big = new Uint8Array(2_000_000).fill(7)
    await complete(stage(), () => cachedNote(file, big))
    const again = await complete(stage(), () => cachedNote(file, big))
    expect((again as Uint8Array).byteLength).toBe(2_000_000)
    expect(linesOf(file)).toHaveLength(1)
  })
}
