import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { releaseCommit } from '@millrace/release'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commitOf, gitFacts } from '../../../../platform/release/records/git.ts'
import { makeRepositories, type Repository } from './repository.ts'

const ORIGIN = { main: 'main', tagPrefix: 'v' }
let repositories: ReturnType<typeof makeRepositories>
let here: Repository

beforeEach(() => {
  repositories = makeRepositories()
  here = repositories.clone('ada')
  here.git('switch', '--quiet', '--create', 'main')
  here.commit('.gitignore', 'out/\n')
  here.git('push', '--quiet', 'origin', 'main')
})
afterEach(() => repositories.remove())

const facts = async () => gitFacts(here.folder, ORIGIN)

it('says what is checked out', async () => {
  const id = here.git('rev-parse', 'HEAD')
  const time = new Date(here.git('show', '--no-patch', '--format=%cI', 'HEAD')).toISOString()
  expect(await facts()).toEqual({
    commit: { id, time },
    branch: 'main',
    changed: [],
    origin: { main: id, ahead: 0, behind: 0, tags: [] },
  })
  expect(commitOf(await facts())).toEqual({ id, time })
})

it('asks origin only when it is told to', async () => {
  here.git('remote', 'set-url', 'origin', '/nowhere')
  expect((await gitFacts(here.folder))?.origin).toBeUndefined()
  expect((await facts())?.origin).toEqual({ fault: expect.stringContaining('/nowhere') })
})

it('names files that are changed, new, renamed and deleted, but not those that are ignored', async () => {
  for (const path of ['a', 'b', 'c', 'd/ä b']) here.write(path, `${path}\n`.repeat(10))
  here.commit('e', 'x')
  here.write('a', 'changed')
  here.git('mv', 'b', 'b2')
  rmSync(`${here.folder}/c`)
  here.write('d/ä b', 'changed')
  here.write('new/er/file', 'x')
  here.write('out/ignored', 'x')
  const found = await facts()
  expect(found?.changed.toSorted()).toEqual(['a', 'b2', 'c', 'd/ä b', 'new/er/file'])
  expect(commitOf(found)?.modified).toBe(true)
})

describe('of where a checkout stands to origin, it knows', () => {
  it('that it is behind, though nothing was fetched', async () => {
    const there = repositories.clone('bob')
    const tip = there.commit('x', '1')
    there.git('push', '--quiet', 'origin', 'main')
    expect((await facts())?.origin).toEqual({ main: tip, ahead: undefined, behind: undefined, tags: [] })
    here.git('fetch', '--quiet')
    expect((await facts())?.origin).toEqual({ main: tip, ahead: 0, behind: 1, tags: [] })
    here.commit('y', '1')
    expect((await facts())?.origin).toMatchObject({ ahead: 1, behind: 1 })
  })

  it('that it is a branch, or on none', async () => {
    here.git('switch', '--quiet', '--create', 'feature/x')
    here.commit('x', '1')
    expect(await facts()).toMatchObject({ branch: 'feature/x', origin: { ahead: 1, behind: 0 } })
    here.git('switch', '--quiet', '--detach')
    expect((await facts())?.branch).toBeUndefined()
  })

  it('tags of releases that origin has on this commit, with and without a message', async () => {
    here.git('tag', 'v1')
    here.git('tag', '--annotate', '--message', 'two', 'v2')
    here.git('tag', 'other')
    here.git('push', '--quiet', '--tags')
    here.git('tag', 'v3')
    expect((await facts())?.origin).toMatchObject({ tags: ['v1', 'v2'] })
    here.commit('x', '1')
    expect((await facts())?.origin).toMatchObject({ tags: [] })
  })
})

it('knows what is no repository, and one with nothing in it', async () => {
  expect(await gitFacts(tmpdir())).toBeUndefined()
  const empty = repositories.clone('empty')
  empty.git('switch', '--quiet', '--orphan', 'fresh')
  expect(await gitFacts(empty.folder, ORIGIN)).toMatchObject({ commit: undefined, branch: 'fresh' })
})

it('is about the folder that it was asked about, also in a hook of another repository', async () => {
  vi.stubEnv('GIT_DIR', '/nowhere/.git').stubEnv('GIT_INDEX_FILE', '/nowhere/index')
  try {
    expect(await gitFacts(here.folder)).toMatchObject({ branch: 'main', changed: [] })
  } finally {
    vi.unstubAllEnvs()
  }
})

describe('the commit of a release', () => {
  it('is the last that changed what a release is made of', async () => {
    const id = here.commit('flows/a/flow.ts', '1')
    for (const path of ['docs/guide.html', 'README.md', 'flows/a/README.md', 'test/a.test.ts']) here.commit(path, '1')
    expect(await releaseCommit(here.folder)).toMatchObject({ id })
    here.write('docs/guide.html', '2')
    expect(await releaseCommit(here.folder)).not.toHaveProperty('modified')
    expect((await releaseCommit(`${here.folder}/flows`))?.id).toBe(id)
    here.write('Pulumi.dev.yaml', 'config: {}')
    expect(await releaseCommit(here.folder)).toMatchObject({ id, modified: true })
    expect(await releaseCommit(tmpdir())).toBeUndefined()
  })
})
