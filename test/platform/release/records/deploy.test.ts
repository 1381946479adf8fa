import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bundleSource } from '@millrace/engine'
import {
  type Deployed,
  type DeployRequest,
  deploy,
  effectiveDeployments,
  localBundles,
  localRecords,
  moves,
  planDeploy,
  readState,
  UP_PATH,
  upText,
} from '@millrace/release'
import { type Store, store } from '@millrace/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { releaseIds, writeRelease } from '../../../../platform/release/records/read-releases.ts'
import { fakeGcs } from '../../../fakes/gcs.ts'
import { mistakeOf } from '../../sdk/failure.ts'
import { makeRepositories, type Repository } from './repository.ts'
import { digest, image, inCloud, releaseOf } from './sample.ts'

const MODULES = resolve(import.meta.dirname, '../../../../node_modules')
const STACK = 'config:\n  millrace:flows: { a: {}, b: {} }\n'

let repositories: ReturnType<typeof makeRepositories>
let ada: Repository

beforeEach(() => {
  repositories = makeRepositories()
  ada = checkout('ada')
  ada.git('switch', '--quiet', '--create', 'main')
  ada.write('package.json', '{ "type": "module" }\n')
  ada.write('.gitignore', 'node_modules\n.millrace/\n')
  ada.write('Pulumi.dev.yaml', STACK)
  ada.write('Pulumi.prod.yaml', STACK)
  ada.write('flows/a/query.sql', 'select 1\n')
  ada.write('flows/b/flow.ts', flow('b', 1))
  ada.commit('flows/a/flow.ts', flow('a', 1))
  ada.git('push', '--quiet', 'origin', 'main')
})
afterEach(() => repositories.remove())

function checkout(name: string): Repository {
  const made = repositories.clone(name)
  symlinkSync(MODULES, join(made.folder, 'node_modules'))
  return made
}

function flow(name: string, result: number, more = ''): string {
  return `import { flow } from '@millrace/sdk'
export default flow(
  { name: '${name}', description: 'Does it.', owner: 'us', contact: 'us@example.org', sources: [], sinks: [], ${more} },
  () => ${result},
)
`
}

/** The record store is that of ada's checkout, whoever deploys. */
const records = (): Store => store(localRecords(ada.folder))

function asked(from: Repository, more: Partial<DeployRequest> = {}): DeployRequest {
  const name = from.git('config', 'user.email')
  return {
    root: from.folder,
    records: records(),
    stack: 'dev',
    flows: [],
    firstBundles: localBundles(ada.folder),
    act: { by: name },
    ...more,
  }
}

const summary = ({ changes }: Deployed): string[] => changes.map(({ name, change }) => `${name} ${change}`)
const bundles = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await effectiveDeployments(records())).deployments.map(({ name, bundle }) => [name, bundle]))

describe('a deploy of main', () => {
  it('is a release; bundles are there, whole, with the files they read', async () => {
    const done = await deploy(asked(ada))
    expect(summary(done)).toEqual(['a new', 'b new'])
    const { record, deployments } = await effectiveDeployments(records())
    expect(record).toMatchObject({ stack: 'dev', madeBy: 'deploy', commit: { id: ada.git('rev-parse', 'HEAD') } })
    for (const { name, bundle, bundles } of deployments) {
      const file = join(store(bundles).folder ?? '', name, `${bundle}.mjs`)
      expect(bundleSource(ada.folder, file)).toMatchObject({ flow: name, digest: bundle })
    }
  })

  it('changes what was edited, and says that it is in no commit', async () => {
    await deploy(asked(ada))
    ada.write('flows/a/query.sql', 'select 2\n')
    expect(summary(await planDeploy(asked(ada)))).toEqual(['a changed'])
    expect(summary(await deploy(asked(ada)))).toEqual(['a changed'])
    expect((await effectiveDeployments(records())).record?.commit?.modified).toBe(true)
    const again = await deploy(asked(ada))
    expect([again.changes, again.move]).toEqual([[], undefined])
    expect(await releaseIds(records())).toHaveLength(2)
  })

  it('changes nothing when it is only planned', async () => {
    await planDeploy(asked(ada))
    expect(await Array.fromAsync(records().list())).toEqual([])
    expect(await Array.fromAsync(store(localBundles(ada.folder)).list())).toEqual([])
  })

  it('changes the flows that are named alone', async () => {
    await deploy(asked(ada))
    for (const name of ['a', 'b']) ada.write(`flows/${name}/flow.ts`, flow(name, 2))
    expect(summary(await deploy(asked(ada, { flows: ['b'] })))).toEqual(['b changed'])
  })

  it('drops a flow that is gone', async () => {
    await deploy(asked(ada))
    rmSync(join(ada.folder, 'flows/b'), { recursive: true })
    expect(summary(await deploy(asked(ada)))).toEqual(['b removed'])
    expect(Object.keys(await bundles())).toEqual(['a'])
  })
})

describe('two deploys at once', () => {
  it('come to both, where each changes another flow', async () => {
    await deploy(asked(ada))
    const bob = checkout('bob')
    ada.write('flows/a/flow.ts', flow('a', 2))
    bob.write('flows/b/flow.ts', flow('b', 2))
    const before = await bundles()
    // Bob is quicker: he deploys when ada has decided what to do, but has not done it.
    let isFirst = true
    const slow: Store = {
      ...records(),
      create: async (path, data) => {
        if (path.startsWith('history/') && isFirst) {
          isFirst = false
          expect(summary(await deploy(asked(bob)))).toEqual(['b changed'])
        }
        return await records().create(path, data)
      },
    }
    expect(summary(await deploy(asked(ada, { records: slow })))).toEqual(['a changed'])
    const after = await bundles()
    expect(after.a).not.toBe(before.a)
    expect(after.b).not.toBe(before.b)
    const all = await Array.fromAsync(moves(records(), (await readState(records())).head))
    expect(all.map(({ by, names }) => [by, names])).toEqual([
      ['ada@example.org', ['a']],
      ['bob@example.org', ['b']],
      ['ada@example.org', ['a', 'b']],
    ])
  })

  it('of branches, in a bucket, come to all of them', async () => {
    const fake = await fakeGcs(['records', 'bundles'])
    process.env.STORAGE_EMULATOR_HOST = fake.endpoint
    try {
      const more = { records: store('gs://records'), firstBundles: 'gs://bundles' }
      const names = ['one', 'two', 'three', 'four']
      ada.write('flows/a/flow.ts', flow('a', 2))
      await Promise.all(names.map((branch) => deploy(asked(ada, { ...more, branch, flows: ['a'] }))))
      const { deployments, state } = await effectiveDeployments(more.records)
      expect(deployments.map(({ name }) => name)).toEqual(['a@four', 'a@one', 'a@three', 'a@two'])
      expect(state.head?.number).toBe(4)
    } finally {
      delete process.env.STORAGE_EMULATOR_HOST
      await fake.close()
    }
  })
})

describe('a deploy that is killed', () => {
  async function killed(at: string): Promise<void> {
    const script = join(import.meta.dirname, 'deploy-process.ts')
    const child = spawn(process.execPath, [script, ada.folder, records().url, at], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'close')
  }

  it("between record and move has changed nothing, and is in nobody's way", async () => {
    await deploy(asked(ada))
    const before = await effectiveDeployments(records())
    ada.write('flows/a/flow.ts', flow('a', 2))
    await killed('history/')
    expect(await effectiveDeployments(records())).toEqual(before)
    expect(await releaseIds(records())).toHaveLength(2)
    expect(summary(await deploy(asked(ada)))).toEqual(['a changed'])
    const all = await Array.fromAsync(moves(records(), (await readState(records())).head))
    expect(all.map(({ number, by }) => [number, by])).toEqual([
      [2, 'ada@example.org'],
      [1, 'ada@example.org'],
    ])
  })

  it('after the move has changed all, and the next one sees it', async () => {
    await deploy(asked(ada))
    ada.write('flows/a/flow.ts', flow('a', 2))
    await killed('current.json')
    expect((await readState(records())).head).toMatchObject({ number: 2, by: 'killed' })
    expect((await deploy(asked(ada))).changes).toEqual([])
    ada.write('flows/b/flow.ts', flow('b', 2))
    expect((await deploy(asked(ada))).move?.number).toBe(3)
  })
})

describe('a deploy of a branch', () => {
  it('puts what it changes beside the release, and leaves that alone', async () => {
    await deploy(asked(ada))
    const released = await bundles()
    ada.git('switch', '--quiet', '--create', 'feature/x')
    ada.write('flows/a/flow.ts', flow('a', 2, `schedule: { cron: '0 4 * * *' }`))
    const done = await deploy(asked(ada, { image: image('mine') }))
    expect(done.target).toEqual({ kind: 'branch', branch: 'feature/x' })
    expect(summary(done)).toEqual(['a@feature-x new'])
    const { deployments } = await effectiveDeployments(records())
    expect(deployments.find(({ branch }) => branch === 'feature/x')).toMatchObject({
      name: 'a@feature-x',
      flow: 'a',
      image: image('mine'),
    })
    const { 'a@feature-x': bundle, ...rest } = await bundles()
    expect(rest).toEqual(released)
    expect(bundle).not.toBe(released.a)
  })

  it('is refused with an image that is a tag', async () => {
    expect(await mistakeOf(() => deploy(asked(ada, { branch: 'x', image: 'mine:latest' })))).toContain(
      '--image: "mine:latest" may be another image tomorrow',
    )
  })
})

describe('a stack in the cloud', () => {
  /** What `up` has made of the flow `a`; the flow `b` is in no stack yet. */
  async function up(stack: string): Promise<void> {
    const base = releaseOf([inCloud('a', { bundle: digest('old') })], { stack, bundles: localBundles(ada.folder) })
    await records().write(UP_PATH, upText(await writeRelease(records(), base, new Date('2026-01-01'))))
  }

  it('is given what it has; the rest is left to up, and need not even compile', async () => {
    await up('dev')
    ada.write('flows/b/flow.ts', 'export default flow(')
    const done = await deploy(asked(ada))
    expect([summary(done), done.left]).toEqual([['a changed'], ['b']])
    const [a] = (await effectiveDeployments(records())).deployments
    expect(a).toMatchObject({ account: inCloud('a').account, image: image('runtime') })
  })

  it('is not mistaken for another one', async () => {
    await up('prod')
    expect(await mistakeOf(() => deploy(asked(ada)))).toBe(
      `the releases in ${records().url} are those of the stack prod, not of dev\nSay --stack prod, or another --store.`,
    )
    const elsewhere = asked(ada, { stack: 'prod', bundles: 'gs://elsewhere' })
    expect(await mistakeOf(() => deploy(elsewhere))).toContain('--bundles: the bundles of this stack are in file:')
    expect(await mistakeOf(() => deploy(asked(ada, { stack: 'prd' })))).toContain('did you mean "prod"?')
  })

  it('has its first release from up', async () => {
    expect(await mistakeOf(() => deploy(asked(ada, { firstBundles: undefined })))).toContain(
      'the first one of a stack is made by "pulumi up"',
    )
  })

  it('takes to prod what was merged or tagged, and nothing else', async () => {
    await up('prod')
    const prod = asked(ada, { stack: 'prod' })
    ada.write('notes.txt', 'x')
    expect(await mistakeOf(() => deploy(prod))).toContain(
      'cannot deploy to prod: a file is not as committed: notes.txt',
    )
    ada.commit('notes.txt', 'x')
    expect(await mistakeOf(() => deploy(prod))).toContain("it has one commit that origin's main has not")
    ada.git('tag', 'v1')
    expect(await mistakeOf(() => deploy(prod))).toContain('nor a release tag that origin has')
    ada.git('push', '--quiet', 'origin', 'v1')
    ada.git('switch', '--quiet', '--detach', 'v1')
    expect(summary(await planDeploy(prod))).toEqual(['a changed'])
    ada.git('push', '--quiet', '--delete', 'origin', 'v1')
    ada.git('push', '--quiet', 'origin', 'HEAD:main')
    expect(summary(await deploy(prod))).toEqual(['a changed'])
    const bob = checkout('bob')
    bob.commit('more.txt', 'x')
    bob.git('push', '--quiet', 'origin', 'main')
    expect(await mistakeOf(() => deploy(prod))).toContain("it lacks what origin's main has")
    expect((await effectiveDeployments(records())).record).toMatchObject({ stack: 'prod', madeBy: 'deploy' })
  })
})
