import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  effectiveDeployments,
  type Move,
  moves,
  pauseSchedule,
  planRollback,
  type Release,
  readState,
  recordUp,
  rollback,
  type SecretVersions,
  secretManager,
  UP_PATH,
  upText,
} from '@millrace/release'
import { type Store, store } from '@millrace/sdk'
import { afterEach, describe, expect, it } from 'vitest'
import { branchPartOf } from '../../../../platform/release/records/deployment.ts'
import { makeMove, moveBefore } from '../../../../platform/release/records/make-move.ts'
import { writeRelease } from '../../../../platform/release/records/read-releases.ts'
import { fakeSecretManager, type VersionState } from '../../../fakes/secret-manager.ts'
import { failureOf, mistakeOf } from '../../sdk/failure.ts'
import { withEachStore } from './places.ts'
import { digest, inCloud, local, releaseOf } from './sample.ts'

const NIGHTLY = { cron: '0 4 * * *', timezone: 'UTC', params: { all: true } }
const ADA = { by: 'ada', reason: 'rows are lost' }
/** Nothing in these releases reads a secret. */
const NONE: SecretVersions = {
  stateOf: () => Promise.reject(new Error('asked for a secret')),
  enable: () => Promise.reject(new Error('enabled a secret')),
}

let seconds = 0

/** Writes a release, with its bundles beside the records. */
async function write(
  records: Store,
  version: number,
  more: Partial<Parameters<typeof local>[1]> = {},
): Promise<string> {
  const bundles = `${records.url}/bundles`
  const [a, b] = [digest(`a ${version}`), digest('b 1')]
  await store(bundles).writeAll([
    [`a/${a}.mjs`, ''],
    [`b/${b}.mjs`, ''],
  ])
  const record = releaseOf([local('a', { bundle: a, params: { version }, ...more }), local('b', { bundle: b })], {
    bundles,
  })
  return await writeRelease(records, record, new Date(Date.UTC(2026, 0) + ++seconds * 1000))
}

async function deploy(
  records: Store,
  version: number,
  more: Partial<Parameters<typeof local>[1]> = {},
): Promise<string> {
  const release = await write(records, version, more)
  await makeMove(records, { by: 'deployer' }, async ({ head, branches }) => ({
    kind: 'deploy',
    names: ['a'],
    release,
    before: moveBefore(head, release),
    branches,
  }))
  return release
}

const back = (records: Store, id?: string): ReturnType<typeof rollback> => rollback(records, id, ADA, NONE)
const current = async (records: Store): Promise<string | undefined> => (await readState(records)).release
const history = async (records: Store): Promise<Move[]> =>
  Array.fromAsync(moves(records, (await readState(records)).head))

withEachStore('a rollback', (open) => {
  it('brings back bundles, parameters and schedules, and is itself recorded', async () => {
    const records = open()
    const one = await deploy(records, 1, { schedule: NIGHTLY })
    const two = await deploy(records, 2, { queue: 'slow' })
    const done = await back(records)
    expect(done).toMatchObject({ from: two, to: one, move: { kind: 'rollback', by: 'ada', reason: 'rows are lost' } })
    expect(done.changes).toEqual([
      {
        name: 'a',
        change: 'changed',
        fields: [
          { field: 'bundle', from: digest('a 2'), to: digest('a 1') },
          { field: 'params', from: { version: 2 }, to: { version: 1 } },
          { field: 'queue', from: 'slow', to: 'default' },
          { field: 'schedule', from: undefined, to: NIGHTLY },
        ],
      },
    ])
    const { deployments } = await effectiveDeployments(records)
    expect(deployments[0]).toMatchObject({ bundle: digest('a 1'), params: { version: 1 }, schedule: NIGHTLY })
    expect((await history(records)).map(({ kind, from, release }) => [kind, from, release])).toEqual([
      ['rollback', two, one],
      ['deploy', one, two],
      ['deploy', undefined, one],
    ])
  })

  it('goes back further when it is done again, also over what was deployed in between', async () => {
    const records = open()
    const [one, two] = [await deploy(records, 1), await deploy(records, 2), await deploy(records, 3)]
    await back(records)
    const four = await deploy(records, 4)
    for (const release of [two, one]) {
      await back(records)
      expect(await current(records)).toBe(release)
    }
    expect(await mistakeOf(() => back(records))).toContain(`there is no release before ${one} to go back to`)
    await back(records, four)
    await back(records)
    expect(await current(records)).toBe(two)
  })

  it('goes back past the same release that was made current twice', async () => {
    const records = open()
    const [one, two] = [await deploy(records, 1), await deploy(records, 2)]
    await records.write(UP_PATH, upText(two))
    expect((await recordUp(records))?.from).toBe(two)
    await back(records)
    expect(await current(records)).toBe(one)
  })

  it('can itself be taken back, by naming what was before it', async () => {
    const records = open()
    const [one, two] = [await deploy(records, 1), await deploy(records, 2)]
    await back(records)
    await back(records, two.slice(-8))
    expect(await current(records)).toBe(two)
    await back(records, one)
    expect(await current(records)).toBe(one)
  })

  it('goes back from what up made, and stays until up makes something new', async () => {
    const records = open()
    const [one, two] = [await write(records, 1), await write(records, 2)]
    await records.write(UP_PATH, upText(one))
    await deploy(records, 3)
    await records.write(UP_PATH, upText(two))
    const plan = await planRollback(records, undefined, NONE)
    expect((await readState(records)).isUpNewer).toBe(true)
    const { move: _, ...done } = await back(records)
    expect(plan).toEqual({ ...done, move: undefined })
    expect((await history(records)).map(({ kind }) => kind)).toEqual(['rollback', 'release', 'deploy', 'release'])
    await records.write(UP_PATH, upText(two))
    expect(await current(records)).toBe(done.to)
    const four = await write(records, 4)
    await records.write(UP_PATH, upText(four))
    expect(await current(records)).toBe(four)
  })

  it('leaves a paused schedule paused, and what branches have deployed', async () => {
    const records = open()
    await deploy(records, 1, { schedule: NIGHTLY })
    await deploy(records, 2, { schedule: NIGHTLY })
    await pauseSchedule(records, 'a', ADA)
    const part = branchPartOf(local('b'))
    const ofBranch = { branch: 'x', slug: 'x', at: new Date().toISOString(), by: 'bob', bundles: 'file:b', part }
    await makeMove(records, ADA, async ({ head, release }) => {
      return { kind: 'deploy', names: [], release, before: head?.before, branches: { 'b@x': ofBranch } }
    })
    await back(records)
    const { deployments } = await effectiveDeployments(records)
    expect(deployments[0]).toMatchObject({ name: 'a', params: { version: 1 }, schedule: NIGHTLY, paused: true })
    expect(deployments.map(({ name }) => name)).toEqual(['a', 'b', 'b@x'])
  })

  it('does nothing when it is only planned', async () => {
    const records = open()
    await deploy(records, 1)
    const two = await deploy(records, 2)
    const before = await Array.fromAsync(records.list())
    expect(await planRollback(records, undefined, NONE)).toMatchObject({ from: two, move: undefined })
    expect(await Array.fromAsync(records.list())).toEqual(before)
  })

  it('is not done twice by two people who mean the same', async () => {
    const records = open()
    const [, two, three] = [await deploy(records, 1), await deploy(records, 2), await deploy(records, 3)]
    const both = await Promise.allSettled([back(records), rollback(records, undefined, { by: 'bob' }, NONE)])
    const [lost] = both.flatMap((each) => (each.status === 'rejected' ? [each.reason as Error] : []))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(lost?.message).toMatch(
      new RegExp(`^(ada|bob) came first: ${two} is current by now, not ${three}; nothing was done$`),
    )
    expect(await current(records)).toBe(two)
  })

  it('refuses what cannot be, each in a line', async () => {
    const records = open()
    expect(await mistakeOf(() => back(records))).toContain('there is no release before the first to go back to')
    const orphan = await write(records, 0)
    expect(await mistakeOf(() => back(records, orphan))).toContain('nothing is released yet in')
    const [one, two] = [await deploy(records, 1), await deploy(records, 2)]
    expect(await mistakeOf(() => back(records, two))).toBe(`${two} is the current release already`)
    expect(await mistakeOf(() => back(records, 'nope'))).toContain(`there is no release "nope" in ${records.url}`)
    expect(await mistakeOf(() => back(records, '2026'))).toMatch(
      /^"2026" is the beginning of 3 releases; write more of it/,
    )
    await store(`${records.url}/bundles`).remove(`a/${digest('a 1')}.mjs`)
    expect(await mistakeOf(() => back(records))).toBe(
      `cannot go back to ${one}: a bundle of it is gone from ${records.url}/bundles: a/${digest('a 1')}.mjs`,
    )
    expect(await current(records)).toBe(two)
  })
})

describe('the versions of secrets that a release reads', () => {
  let close = async (): Promise<void> => {}
  afterEach(() => close())
  const version = (number: number, project = '1'): string => `projects/${project}/secrets/hook/versions/${number}`

  /** Two releases that read the versions 1 and 2 of a secret. */
  async function scene(versions: [string, VersionState][], project?: string) {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-rollback-'))
    const records = store(`file:${folder}`)
    const states = new Map(versions)
    const fake = await fakeSecretManager(states)
    close = async () => {
      await fake.close()
      await rm(folder, { recursive: true })
    }
    const one = await deploy(records, 1, { secretVersions: { hook: version(1, project) } })
    const two = await deploy(records, 2, { secretVersions: { hook: version(2, project) } })
    return { records, states, one, two, secrets: secretManager(fake.endpoint) }
  }

  it('come back, and one that was disabled can be read again', async () => {
    const { records, states, secrets } = await scene([
      [version(1), 'DISABLED'],
      [version(2), 'ENABLED'],
    ])
    expect((await planRollback(records, undefined, secrets)).enables).toEqual([version(1)])
    expect(states.get(version(1))).toBe('DISABLED')
    expect((await rollback(records, undefined, ADA, secrets)).enables).toEqual([version(1)])
    expect(states.get(version(1))).toBe('ENABLED')
    expect((await effectiveDeployments(records)).deployments[0]?.secretVersions).toEqual({ hook: version(1) })
  })

  it.each<[string, [string, VersionState][]]>([
    ['destroyed', [[version(1), 'DESTROYED']]],
    ['gone', []],
  ])('stop it where one is %s', async (_what, versions) => {
    const { records, one, two, secrets } = await scene(versions)
    expect(await mistakeOf(() => rollback(records, undefined, ADA, secrets))).toBe(
      `cannot go back to ${one}: a version of a secret that it reads is no longer kept: ${version(1)}\n` +
        'Deploy its commit again: then it reads the versions of today.',
    )
    expect(await current(records)).toBe(two)
  })

  it('stop it where they may not be looked at, naming the permission', async () => {
    const { records, secrets } = await scene([], 'denied')
    const error = await failureOf(() => rollback(records, undefined, ADA, secrets))
    expect(error.message).toContain('you lack the permission secretmanager.versions.get in the project denied')
  })
})

it('names the flows whose service account is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-rollback-'))
  const records = store(`file:${folder}`)
  try {
    const bundles = `${records.url}/bundles`
    const put = async (record: Release): Promise<void> => {
      for (const { flow, bundle } of Object.values(record.deployments))
        await store(bundles).write(`${flow}/${bundle}.mjs`, '')
      await records.write(
        UP_PATH,
        upText(await writeRelease(records, record, new Date(Date.UTC(2026, 0) + ++seconds * 1000))),
      )
      await recordUp(records)
    }
    await put(releaseOf([inCloud('a'), inCloud('old')], { bundles }))
    await put(releaseOf([inCloud('a')], { bundles }))
    expect((await rollback(records, undefined, ADA, NONE)).withoutAccount).toEqual(['old'])
  } finally {
    await rm(folder, { recursive: true })
  }
})
