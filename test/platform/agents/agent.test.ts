import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, type AgentNews, type AgentOptions, LaunchError } from '@millrace/agents'
import { DatabaseGoneError, deployments, enqueue, PostgresStore, type QueuedRun } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { inlineLauncher } from '../../faults/processes/inline-launcher.ts'
import { linesOf, until } from '../../until.ts'

let server: TestDatabase
let store: PostgresStore
let folder: string
let news: AgentNews[]
const agents: Agent[] = []
beforeEach(async () => {
  server = await createDatabase()
  store = await PostgresStore.open(server.url)
  folder = mkdtempSync(join(tmpdir(), 'millrace-agent-'))
  news = []
})
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop(0)))
  await store.close()
  await server.drop()
  rmSync(folder, { recursive: true, force: true })
})

async function start(options: Partial<AgentOptions> = {}): Promise<Agent> {
  const agent = await Agent.start({
    store,
    launcher: inlineLauncher(store, folder),
    name: 'one',
    labels: [],
    limit: 5,
    surroundings: { stack: 'test', database: server.url },
    every: { sweep: 100, follow: 100, backlog: 100 },
    tell: (each) => news.push(each),
    ...options,
  })
  agents.push(agent)
  return agent
}

async function queue(count: number, more: Partial<QueuedRun> = {}): Promise<string[]> {
  const source = { flow: 'hello', path: 'none', digest: '0'.repeat(64) }
  const job = { bundles: 'file:/none', driver: {}, workers: { count: 0 }, secretVersions: {} }
  const one = { flow: 'hello', name: 'hello', params: {}, env: 'dev', executor: 'inline', source, job, ...more }
  return (
    await enqueue(
      store,
      Array.from({ length: count }, () => one),
    )
  ).map(({ run }) => run.id)
}

const said = (): string => news.map((each) => ('text' in each ? each.text : '')).join('\n')
const stateOf = async (id: string | undefined): Promise<string | undefined> => (await store.findRun(id ?? ''))?.state

it('says at once that it may not look at jobs, and which permission it lacks', async () => {
  const denied = new LaunchError('denied', 'jobs.batch is forbidden: User "agent" cannot list resource "jobs"')
  const launcher = { ...inlineLauncher(store, folder), list: () => Promise.reject(denied) }
  const error = await start({ launcher }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UserError)
  expect((error as Error).message).toBe(
    'the agent cannot look at its jobs: jobs.batch is forbidden: User "agent" cannot list resource "jobs"',
  )
})

it('starts where the platform is busy, or what is deployed cannot be read, and says so', async () => {
  const inner = inlineLauncher(store, folder)
  let looks = 0
  const busy = new LaunchError('busy', 'the platform is away')
  const list: typeof inner.list = async () => (looks++ < 2 ? Promise.reject(busy) : inner.list())
  await start({ launcher: { ...inner, list }, follow: () => Promise.reject(new Error('the bucket is gone')) })
  const [id] = await queue(1)
  await until(async () => (await stateOf(id)) === 'Completed')
  expect(said()).toContain('jobs cannot be looked at yet: the platform is away')
  expect(said()).toContain('what is deployed cannot be read: Error: the bucket is gone')
})

it('says what does not work once, not each time that it tries', async () => {
  let looks = 0
  const list = (): Promise<never> => {
    looks++
    return Promise.reject(new LaunchError('busy', 'the platform is away'))
  }
  await start({ launcher: { ...inlineLauncher(store, folder), list } })
  await until(() => looks > 5)
  expect(said().split('jobs cannot be looked at').length - 1).toBeLessThanOrEqual(2)
})

it('registers what is deployed, and what is not any more', async () => {
  const source = { flow: 'hello', path: 'none', digest: '0'.repeat(64) }
  const job = { bundles: 'file:/none', driver: {}, workers: { count: 0 }, secretVersions: {} }
  const words = { description: 'd', owner: 'o', contact: 'c', queue: 'default', labels: [], params: {}, env: 'dev' }
  let now = ['hello', 'hello@branch']
  await start({ follow: async () => now.map((name) => ({ name, flow: 'hello', source, job, ...words })) })
  const names = async (): Promise<string> => (await deployments(store.database)).map(({ name }) => name).join()
  expect(await names()).toBe('hello,hello@branch')
  now = ['hello']
  await until(async () => (await names()) === 'hello')
  expect(said()).toContain('deployment hello@branch is gone')
})

it('takes runs whose labels it has, and, where it is exclusive, no others', async () => {
  const [plain] = await queue(1)
  const [mine] = await queue(1, { labels: ['me'] })
  const [both] = await queue(1, { labels: ['me', 'gpu'] })
  await start({ labels: ['me'], exclusive: true })
  await until(async () => (await stateOf(mine)) === 'Completed')
  expect(await stateOf(plain)).toBe('Scheduled')
  expect(await stateOf(both)).toBe('Scheduled')
})

it('has no more runs going at once than its limit', async () => {
  let going = 0
  let most = 0
  const inner = inlineLauncher(store, folder)
  const launch: typeof inner.launch = async (spec) => {
    most = Math.max(most, ++going)
    const handle = await inner.launch(spec)
    void until(async () => (await store.findRun(spec.run))?.ended).then(() => going--)
    return handle
  }
  await start({ launcher: { ...inner, launch }, limit: 2 })
  const ids = await queue(12)
  await until(async () => (await Promise.all(ids.map(stateOf))).every((state) => state === 'Completed'), 30_000)
  expect(most).toBeLessThanOrEqual(3)
}, 40_000)

it('launches each run once, though its connections break again and again', async () => {
  await start({ limit: 10 })
  const ids = await queue(60)
  let isOver = false
  const breaking = (async () => {
    for (; !isOver; await sleep(30)) {
      await server.query(`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query like '%ledger%'`)
    }
  })()
  await until(async () => (await Promise.all(ids.map(stateOf))).every((state) => state === 'Completed'), 60_000)
  isOver = true
  await breaking
  const launches = linesOf(join(folder, 'launches')).map((line) => line.split(' ')[0])
  expect(launches.toSorted()).toEqual(ids.toSorted())
}, 90_000)

it('finds the runs of a claim that came through, though its answer did not', async () => {
  const ids = await queue(3)
  let isLost = false
  const database = instead(store.database, 'transaction', (transaction) => async (...given) => {
    const result = await transaction(...given)
    if (isLost || !Array.isArray(result) || result.length === 0) return result
    isLost = true
    throw new DatabaseGoneError('the connection broke before the answer came')
  })
  await start({ store: instead(store, 'database', () => database) })
  await until(async () => (await Promise.all(ids.map(stateOf))).every((state) => state === 'Completed'))
  expect(isLost).toBe(true)
  expect(await Promise.all(ids.map(async (id) => (await store.findRun(id))?.launch))).toEqual([1, 1, 1])
})

it('says that runs wait', async () => {
  await queue(3, { labels: ['nobody'] })
  await start({ backlogAfter: 1 })
  await until(() => news.some((each) => each.kind === 'backlog' && each.waiting === 3))
})

/** An object with something else in place of one of its members. */
function instead<T extends object, K extends keyof T>(object: T, key: K, make: (real: T[K]) => T[K]): T {
  return new Proxy(object, {
    get: (target, name) => {
      const real: unknown = Reflect.get(target, name, target)
      const bound = typeof real === 'function' ? real.bind(target) : real
      return name === key ? make(bound as T[K]) : bound
    },
  })
}
