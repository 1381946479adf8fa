import {
  effectiveDeployments,
  pausedNames,
  pauseSchedule,
  readPause,
  resumeSchedule,
  UP_PATH,
  undeploy,
  upText,
} from '@millrace/release'
import type { Store } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { branchPartOf } from '../../../../platform/release/records/deployment.ts'
import { layOver } from '../../../../platform/release/records/effective.ts'
import { makeMove } from '../../../../platform/release/records/make-move.ts'
import type { BranchDeployment } from '../../../../platform/release/records/move.ts'
import { writeRelease } from '../../../../platform/release/records/read-releases.ts'
import { mistakeOf } from '../../sdk/failure.ts'
import { withEachStore } from './places.ts'
import { digest, image, inCloud, local, releaseOf } from './sample.ts'

const NIGHTLY = { cron: '0 4 * * *', timezone: 'UTC', params: {} }
const VERSIONS = { hook: 'projects/1/secrets/hook/versions/3', token: 'projects/1/secrets/token/versions/1' }

function onBranch(branch: string, slug: string, more: Partial<BranchDeployment> = {}): BranchDeployment {
  const part = branchPartOf(local('a', { bundle: digest('a 2'), secretVersions: { hook: 'any' } }))
  return { branch, slug, at: '2026-11-25T12:00:00.000Z', by: 'ada', bundles: 'gs://b', part, ...more }
}

describe('a deployment of a branch', () => {
  const released = inCloud('a', { schedule: NIGHTLY, secretVersions: VERSIONS, cluster: 'standard', queue: 'slow' })

  it('is the account of its flow, reads the secrets of the release, and has no schedule', () => {
    const all = layOver(releaseOf([released]), { 'a@x': onBranch('x', 'x') }, new Set())
    expect(all.map(({ name }) => name)).toEqual(['a', 'a@x'])
    expect(all[1]).toEqual({
      ...local('a'),
      name: 'a@x',
      branch: 'x',
      bundle: digest('a 2'),
      bundles: 'gs://b',
      image: image('runtime'),
      account: released.account,
      store: released.store,
      cluster: 'standard',
      secretVersions: { hook: VERSIONS.hook },
      paused: false,
    })
  })

  it('follows the release: a rotated secret is the new one at once', () => {
    const rotated = { ...VERSIONS, hook: 'projects/1/secrets/hook/versions/4' }
    const now = releaseOf([{ ...released, secretVersions: rotated }], { images: { runtime: image('newer') } })
    const [, ofBranch] = layOver(now, { 'a@x': onBranch('x', 'x') }, new Set())
    expect(ofBranch).toMatchObject({ image: image('newer'), secretVersions: { hook: rotated.hook } })
  })

  it('starts from its own image where it has one', () => {
    const [, ofBranch] = layOver(
      releaseOf([released]),
      { 'a@x': onBranch('x', 'x', { image: image('mine') }) },
      new Set(),
    )
    expect(ofBranch?.image).toBe(image('mine'))
  })

  it("needs no release, on a machine of one's own", () => {
    const [ofBranch] = layOver(undefined, { 'a@x': onBranch('x', 'x') }, new Set())
    expect(ofBranch).toMatchObject({ name: 'a@x', secretVersions: {} })
    expect(ofBranch).not.toHaveProperty('image')
  })
})

const NOW = { by: 'ada', now: () => new Date('2026-11-25T12:00:00Z') }

async function release(records: Store, second: number): Promise<void> {
  const record = releaseOf([local('a', { schedule: NIGHTLY, params: { second } })])
  const id = await writeRelease(records, record, new Date(Date.UTC(2026, 0, 1, 0, 0, second)))
  await records.write(UP_PATH, upText(id))
}

withEachStore('a schedule that a person paused', (open) => {
  it('stays paused through releases, until a person lets it go on', async () => {
    const records = open()
    await release(records, 1)
    await pauseSchedule(records, 'a', { ...NOW, reason: 'the source is down' })
    await release(records, 2)
    const { deployments } = await effectiveDeployments(records)
    expect(deployments).toMatchObject([{ name: 'a', schedule: NIGHTLY, params: { second: 2 }, paused: true }])
    await resumeSchedule(records, 'a')
    await resumeSchedule(records, 'a')
    expect((await effectiveDeployments(records)).deployments).toMatchObject([{ paused: false }])
  })

  it('says who paused it and why; who comes second changes nothing', async () => {
    const records = open()
    await pauseSchedule(records, 'a', { ...NOW, reason: 'the source is down' })
    await pauseSchedule(records, 'a', { ...NOW, by: 'bob' })
    await pauseSchedule(records, 'b', NOW)
    expect(await readPause(records, 'a')).toEqual({
      format: 1,
      at: '2026-11-25T12:00:00.000Z',
      by: 'ada',
      reason: 'the source is down',
    })
    expect(await pausedNames(records)).toEqual(new Set(['a', 'b']))
    expect(await readPause(records, 'c')).toBeUndefined()
    expect(await mistakeOf(() => pauseSchedule(records, '../a', NOW))).toContain('"../a" has no schedule')
  })
})

withEachStore('what a branch has deployed', (open) => {
  const fill = (records: Store): Promise<unknown> =>
    makeMove(records, NOW, async () => ({
      kind: 'deploy',
      names: [],
      release: undefined,
      before: undefined,
      branches: {
        'a@feature-x': onBranch('feature/x', 'feature-x'),
        'b@feature-x': onBranch('feature/x', 'feature-x'),
        'a@feature-x-123456': onBranch('feature-x', 'feature-x-123456'),
      },
    }))
  const names = async (records: Store): Promise<string[]> =>
    (await effectiveDeployments(records)).deployments.map(({ name }) => name)

  it('goes with it, and nothing else; a branch that deployed nothing is no mistake', async () => {
    const records = open()
    await fill(records)
    expect((await undeploy(records, { branch: 'feature/x' }, NOW)).names).toEqual(['a@feature-x', 'b@feature-x'])
    const { head } = (await effectiveDeployments(records)).state
    expect(head).toMatchObject({ kind: 'undeploy', number: 2, names: ['a@feature-x', 'b@feature-x'], by: 'ada' })
    expect(Object.keys(head?.branches ?? {})).toEqual(['a@feature-x-123456'])
    expect(await undeploy(records, { branch: 'feature/x' }, NOW)).toEqual({ names: [], move: undefined })
    expect((await effectiveDeployments(records)).state.head?.number).toBe(2)
  })

  it('does not go with a branch that is only written alike', async () => {
    const records = open()
    await fill(records)
    expect((await undeploy(records, { branch: 'feature-x' }, NOW)).names).toEqual(['a@feature-x-123456'])
  })

  it('goes one by one too', async () => {
    const records = open()
    await fill(records)
    await undeploy(records, { name: 'b@feature-x' }, NOW)
    expect(await names(records)).toEqual(['a@feature-x', 'a@feature-x-123456'])
    expect(await mistakeOf(() => undeploy(records, { name: 'a@feature-y' }, NOW))).toBe(
      'nothing is deployed as "a@feature-y"; did you mean "a@feature-x"?\n' +
        'Of branches there are: a@feature-x, a@feature-x-123456.',
    )
    expect(await mistakeOf(() => undeploy(records, { name: 'a' }, NOW))).toContain('"a" is no deployment of a branch')
  })
})
