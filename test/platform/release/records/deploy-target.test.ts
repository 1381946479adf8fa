import { describe, expect, it } from 'vitest'
import { deployTarget } from '../../../../platform/release/records/deploy-target.ts'
import type { GitFacts, OriginFacts } from '../../../../platform/release/records/git.ts'
import type { StackSettings } from '../../../../platform/release/records/stack-settings.ts'
import { mistakeOf } from '../../sdk/failure.ts'
import { image } from './sample.ts'

const DEV: StackSettings = { stack: 'dev', isOpen: true, main: 'main', tagPrefix: 'v', schedules: false, flows: {} }
const PROD: StackSettings = { ...DEV, stack: 'prod', isOpen: false }
const [HERE, THERE] = ['a'.repeat(40), 'b'.repeat(40)]
const ON_MAIN: OriginFacts = { main: HERE, ahead: 0, behind: 0, tags: [] }

function git(more: Partial<GitFacts> = {}): GitFacts {
  return { commit: { id: HERE, time: '2026-11-25T12:00:00Z' }, branch: 'main', changed: [], origin: ON_MAIN, ...more }
}

describe('dev', () => {
  it('takes main as a release, committed or not', () => {
    expect(deployTarget({}, DEV, git({ changed: ['x'] }))).toEqual({ kind: 'release' })
    expect(deployTarget({ branch: 'main' }, DEV, git({ branch: undefined }))).toEqual({ kind: 'release' })
    expect(deployTarget({ branch: 'main' }, DEV, undefined)).toEqual({ kind: 'release' })
  })

  it('takes any other branch beside it, with any image', () => {
    expect(deployTarget({ image: image('mine') }, DEV, git({ branch: 'feature/x' }))).toEqual({
      kind: 'branch',
      branch: 'feature/x',
    })
    expect(deployTarget({ branch: 'x' }, DEV, git({ branch: undefined }))).toEqual({ kind: 'branch', branch: 'x' })
  })

  it('asks which branch it is where git does not say', async () => {
    const detached = await mistakeOf(() => deployTarget({}, DEV, git({ branch: undefined })))
    expect(detached).toContain('HEAD is detached, on no branch; say --branch NAME')
    expect(await mistakeOf(() => deployTarget({}, DEV, undefined))).toContain('this project is in no git repository')
  })

  it('takes no image on main', async () => {
    expect(await mistakeOf(() => deployTarget({ image: image('mine') }, DEV, git()))).toMatch(
      /^--image: a release runs/,
    )
  })
})

describe('prod', () => {
  it("takes what is as origin's main has it, whatever it is called here", () => {
    expect(deployTarget({}, PROD, git())).toEqual({ kind: 'release' })
    expect(deployTarget({ branch: 'main' }, PROD, git({ branch: undefined }))).toEqual({ kind: 'release' })
  })

  it('takes the tag of a release, also after main went on', () => {
    const origin = { main: THERE, ahead: 0, behind: 3, tags: ['v1.2.0'] }
    expect(deployTarget({}, PROD, git({ branch: undefined, origin }))).toEqual({ kind: 'release' })
  })

  const behind = { main: THERE, ahead: 0, behind: 2, tags: [] }
  it.each<[string, Parameters<typeof deployTarget>[0], GitFacts | undefined]>([
    ['--image: prod runs the images that were released', { image: image('mine') }, git()],
    ['--branch: prod takes no branches; deploy "x" to dev', { branch: 'x' }, git()],
    ['cannot deploy to prod: this project is in no git repository', {}, undefined],
    ['a file is not as committed: flows/a b.sql', {}, git({ changed: ['flows/a b.sql'] })],
    ['4 files are not as committed: a, b, c, …', {}, git({ changed: ['a', 'b', 'c', 'd'] })],
    [
      'origin cannot be asked what main is: could not read from it',
      {},
      git({ origin: { fault: 'could not read from it' } }),
    ],
    ["nor a release tag that origin has: it is 2 commits behind origin's main", {}, git({ origin: behind })],
    ["it has one commit that origin's main has not", {}, git({ origin: { ...behind, ahead: 1, behind: 0 } })],
    [
      "it is one commit behind origin's main, and it has 3 commits that origin's main has not",
      {},
      git({ origin: { ...behind, ahead: 3, behind: 1 } }),
    ],
    [
      "it lacks what origin's main has (bbbbbbb)",
      {},
      git({ origin: { ...behind, ahead: undefined, behind: undefined } }),
    ],
    ['origin has no branch "main"', {}, git({ origin: { ...behind, main: undefined } })],
  ])('refuses, saying: %s', async (words, asked, facts) => {
    expect(await mistakeOf(() => deployTarget(asked, PROD, facts))).toContain(words)
  })
})
