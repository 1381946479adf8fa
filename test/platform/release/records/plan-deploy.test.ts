import type { Deployment, FlowManifest, Release } from '@millrace/release'
import { describe, expect, it } from 'vitest'
import type { DeployInput } from '../../../../platform/release/records/deploy-input.ts'
import { type BranchInput, planBranch } from '../../../../platform/release/records/plan-branch.ts'
import { planRelease } from '../../../../platform/release/records/plan-release.ts'
import { mistakeOf } from '../../sdk/failure.ts'
import { digest, image, inCloud, local, manifest, releaseOf } from './sample.ts'

const SETTINGS = { stack: 'dev', isOpen: true, main: 'main', tagPrefix: 'v', schedules: true, flows: {} }
const NIGHTLY = { cron: '0 4 * * *', timezone: 'UTC', params: {} }

/** A checkout whose flows are as their first bundles, but for those in `edited`. */
function input(
  base: Release | undefined,
  manifests: readonly FlowManifest[],
  edited: readonly string[] = [],
): DeployInput {
  return {
    settings: SETTINGS,
    base,
    names: manifests.map(({ name }) => name),
    flows: manifests.map((each) => ({
      manifest: each,
      digest: digest(`${each.name} ${edited.includes(each.name) ? 2 : 1}`),
    })),
    only: undefined,
    bundles: 'gs://example-dev-bundles',
    commit: undefined,
  }
}

function onBranch(given: DeployInput, more: Partial<BranchInput> = {}): BranchInput {
  return {
    ...given,
    branch: 'feature/x',
    image: undefined,
    branches: {},
    by: 'ada',
    at: '2026-11-25T12:00:00.000Z',
    ...more,
  }
}

const deploymentIn = (record: Release, flow: string): Deployment | undefined => record.deployments[flow]

describe('a release of what is checked out', () => {
  it('has all flows of the project, where there was none before', () => {
    const { record, changes } = planRelease(input(undefined, [manifest('a', { schedule: NIGHTLY }), manifest('b')]))
    expect(record.deployments).toEqual({ a: local('a', { schedule: NIGHTLY }), b: local('b') })
    expect(changes.map(({ name, change }) => [name, change])).toEqual([
      ['a', 'new'],
      ['b', 'new'],
    ])
    expect(record.madeBy).toBe('deploy')
  })

  it('changes the flows that were edited, and nothing else', () => {
    const base = releaseOf([inCloud('a'), inCloud('b')])
    const { record, changes } = planRelease(input(base, [manifest('a'), manifest('b')], ['b']))
    const [from, to] = [digest('b 1'), digest('b 2')]
    expect(changes).toEqual([
      {
        name: 'b',
        change: 'changed',
        fields: [
          { field: 'bundle', from, to },
          // The image of before has the bundle of before in it.
          { field: 'image', from: image('flow-b'), to: image('runtime') },
        ],
      },
    ])
    expect(deploymentIn(record, 'a')).toEqual(inCloud('a'))
  })

  it('changes nothing where nothing was edited', () => {
    expect(planRelease(input(releaseOf([inCloud('a')]), [manifest('a')])).changes).toEqual([])
  })

  it('takes what the flow says of itself, but where the stack says something else', () => {
    const stack = {
      runOn: { cpu: 8, launcher: 'vertex' as const },
      labels: ['big'],
      cluster: 'standard',
      params: { n: 1 },
    }
    const base = releaseOf([inCloud('a', { ...stack, queue: 'slow', schedule: NIGHTLY })])
    const says = manifest('a', { runOn: { cpu: 2, memory: 1000 }, labels: ['etl'], queue: 'fast' })
    const { record } = planRelease({
      ...input(base, [says]),
      settings: { ...SETTINGS, flows: { a: ['cpu', 'labels', 'cluster', 'params'] } },
    })
    expect(deploymentIn(record, 'a')).toEqual(
      inCloud('a', {
        ...stack,
        // The stack says nothing of the launcher, the queue and the schedule any more.
        runOn: { cpu: 8, memory: 1000 },
        queue: 'fast',
      }),
    )
  })

  it('keeps a schedule that the stack decides, on or off', () => {
    const settings = { ...SETTINGS, flows: { a: ['schedule'], b: ['schedule'] } }
    const base = releaseOf([inCloud('a', { schedule: NIGHTLY }), inCloud('b')])
    const flows = [manifest('a'), manifest('b', { schedule: NIGHTLY })]
    expect(planRelease({ ...input(base, flows), settings }).changes).toEqual([])
  })

  it('has no schedules in a stack where they are not live', () => {
    const settings = { ...SETTINGS, schedules: false }
    const given = input(undefined, [manifest('a', { schedule: NIGHTLY })])
    expect(deploymentIn(planRelease({ ...given, settings }).record, 'a')).not.toHaveProperty('schedule')
  })

  it('drops a flow that is gone from the project, but not when others are named', () => {
    const base = releaseOf([inCloud('a'), inCloud('old')])
    const given = input(base, [manifest('a')], ['a'])
    expect(planRelease(given).changes.map(({ name, change }) => `${name} ${change}`)).toEqual([
      'a changed',
      'old removed',
    ])
    expect(planRelease({ ...given, only: ['a'] }).changes.map(({ name }) => name)).toEqual(['a'])
  })

  it('leaves to up what only up can make', async () => {
    const given = input(releaseOf([inCloud('a')]), [manifest('a'), manifest('rain'), manifest('words')])
    const settings = { ...SETTINGS, flows: { a: [], rain: [] } }
    const { changes, left } = planRelease({ ...given, settings })
    expect([changes, left]).toEqual([[], ['rain']])
    expect(await mistakeOf(() => planRelease({ ...given, only: ['words'] }))).toBe(
      'flow words is not in the stack dev yet, so it has no service account\n' +
        'Add it to millrace:flows in Pulumi.dev.yaml; "pulumi up" makes the account.',
    )
  })

  it('reads the versions of secrets that it may, and no others', async () => {
    const versions = { hook: 'projects/1/secrets/hook/versions/3', old: 'projects/1/secrets/old/versions/1' }
    const base = releaseOf([inCloud('a', { secretVersions: versions })])
    const { record } = planRelease(input(base, [manifest('a', { secrets: ['hook'] })]))
    expect(deploymentIn(record, 'a')?.secretVersions).toEqual({ hook: versions.hook })
    const wants = input(base, [manifest('a', { secrets: ['token'] })])
    expect(await mistakeOf(() => planRelease(wants))).toContain(
      'flow a reads the secret token, which it may not read in the stack dev yet',
    )
  })
})

describe('a deploy from a branch', () => {
  const flows = [manifest('a', { schedule: NIGHTLY }), manifest('b')]
  const base = releaseOf([inCloud('a', { schedule: NIGHTLY }), inCloud('b')])

  it('brings the flows that the branch changes, beside the release', () => {
    const { branches, changes } = planBranch(onBranch(input(base, flows, ['b'])))
    expect(changes).toEqual([{ name: 'b@feature-x', change: 'new', fields: [] }])
    expect(branches).toEqual({
      'b@feature-x': expect.objectContaining({ branch: 'feature/x', by: 'ada', slug: 'feature-x' }),
    })
    expect(branches['b@feature-x']?.part).toEqual(expect.objectContaining({ bundle: digest('b 2') }))
    for (const field of ['schedule', 'account', 'secretVersions', 'cluster']) {
      expect(branches['b@feature-x']?.part).not.toHaveProperty(field)
    }
  })

  it('brings those that are named, changed or not', () => {
    const { changes } = planBranch({ ...onBranch(input(base, flows, ['b'])), only: ['a'] })
    expect(changes.map(({ name }) => name)).toEqual(['a@feature-x'])
  })

  it('brings again what the branch has deployed, also when it is as the release by now', () => {
    const first = planBranch(onBranch(input(base, flows, ['b'])))
    const later = onBranch(input(base, flows), { branches: first.branches, by: 'bob', at: '2026-11-26T12:00:00.000Z' })
    const { branches, changes } = planBranch(later)
    expect(changes).toEqual([
      {
        name: 'b@feature-x',
        change: 'changed',
        fields: [{ field: 'bundle', from: digest('b 2'), to: digest('b 1') }],
      },
    ])
    expect(planBranch({ ...later, branches, by: 'eve' })).toEqual({ branches, changes: [], left: [] })
  })

  it('tells branches apart, and leaves others alone', () => {
    const one = planBranch(onBranch(input(base, flows, ['b'])))
    const two = planBranch(onBranch(input(base, flows, ['b']), { branch: 'feature-x', branches: one.branches }))
    const names = Object.keys(two.branches)
    expect(names).toHaveLength(2)
    expect(names[0]).toBe('b@feature-x')
    expect(names[1]).toMatch(/^b@feature-x-[0-9a-f]{6}$/)
    expect(two.branches['b@feature-x']).toBe(one.branches['b@feature-x'])
  })

  it('takes away what is gone from the branch', () => {
    const { branches } = planBranch(onBranch(input(base, flows, ['a', 'b'])))
    const theirs = planBranch(onBranch(input(base, flows, ['b']), { branch: 'other', branches }))
    const given = onBranch(input(base, [manifest('a', { schedule: NIGHTLY })], ['a']), { branches: theirs.branches })
    const after = planBranch(given)
    expect(after.changes).toEqual([{ name: 'b@feature-x', change: 'removed', fields: [] }])
    expect(Object.keys(after.branches).sort()).toEqual(['a@feature-x', 'b@other'])
  })

  it('may have an image of its own', () => {
    const given = onBranch(input(base, flows, ['b']))
    const { branches } = planBranch(given)
    const { changes } = planBranch({ ...given, branches, image: image('mine') })
    expect(changes[0]?.fields).toEqual([{ field: 'image', from: undefined, to: image('mine') }])
  })

  it('cannot bring a flow that has no account yet', async () => {
    const given = onBranch(input(base, [...flows, manifest('rain')], ['b']))
    const { changes, left } = planBranch({ ...given, settings: { ...SETTINGS, flows: { rain: [] } } })
    expect([changes.map(({ name }) => name), left]).toEqual([['b@feature-x'], ['rain']])
    expect(await mistakeOf(() => planBranch({ ...given, only: ['rain'] }))).toContain('flow rain is not in the stack')
  })
})
