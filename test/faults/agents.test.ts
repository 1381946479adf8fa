import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  enqueue,
  type FlowRun,
  PostgresStore,
  type QueuedRun,
  registerDeployments,
  retryRun,
  runOfDeployment,
} from '@millrace/engine'
import { bundleFlow } from '@millrace/release'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../platform/engine/postgres/embedded.ts'
import { createDatabase, type TestDatabase } from '../database.ts'
import { endProcesses, PROJECT, TestProcess } from '../process.ts'
import { linesOf, until } from '../until.ts'
import type { AgentProcessOptions } from './processes/agent.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LONG = 120_000
const DAY = 86_400_000

let bundle: Awaited<ReturnType<typeof bundleFlow>>
let server: TestDatabase
let store: PostgresStore
let folder: string
beforeAll(async () => {
  bundle = await bundleFlow(PROJECT, 'steps')
})
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-agents-'))
  await open(await createDatabase())
  await mkdir(join(folder, 'bundles/steps'), { recursive: true })
  await writeFile(join(folder, `bundles/steps/${bundle.digest}.mjs`), bundle.code)
})
afterEach(async () => {
  await endProcesses()
  await store.close()
  await server.drop().catch(() => {})
  await rm(folder, { recursive: true, force: true, maxRetries: 20 })
}, LONG)

async function open(database: TestDatabase): Promise<void> {
  server = database
  store = await PostgresStore.open(database.url)
}

function begin(name: string, more: Partial<AgentProcessOptions> = {}): TestProcess {
  const options = { database: server.url, folder: jobs(), root: ROOT, environment: {}, name, ...more }
  return TestProcess.start('agent', options)
}

async function agent(name: string, more: Partial<AgentProcessOptions> = {}): Promise<TestProcess> {
  const started = begin(name, more)
  await started.said(/^ready/, 30_000)
  return started
}

const jobs = (): string => join(folder, 'jobs')
const file = (): string => join(folder, 'steps')
const steps = (what: string): string[] => linesOf(file()).filter((line) => line.startsWith(`${what} `))

async function queue(params: object, more: Partial<QueuedRun> = {}): Promise<string> {
  const deployment = {
    name: 'steps',
    flow: 'steps',
    env: 'dev',
    queue: 'default',
    labels: [],
    params: { file: file() },
    source: { flow: 'steps', path: `bundles/steps/${bundle.digest}.mjs`, digest: bundle.digest },
    job: { bundles: `file:${folder}/bundles`, driver: {}, workers: { count: 0 }, secretVersions: {} },
  }
  const [queued] = await enqueue(store, [{ ...runOfDeployment(deployment, { params: { ...params } }), ...more }])
  return queued?.run.id ?? ''
}

/** So many runs of a flow that is driven in its agent's process. */
async function queueInline(count: number): Promise<string[]> {
  const source = { flow: 'hello', path: 'none', digest: '0'.repeat(64) }
  const job = { bundles: 'file:/none', driver: {}, workers: { count: 0 }, secretVersions: {} }
  const one = { flow: 'hello', name: 'hello', params: {}, env: 'dev', executor: 'inline', source, job }
  const queued = await enqueue(
    store,
    Array.from({ length: count }, () => one),
  )
  return queued.map(({ run }) => run.id)
}

function over(id: string): Promise<FlowRun> {
  return until(async () => {
    const run = await store.findRun(id)
    return run?.ended === undefined ? undefined : run
  }, LONG)
}

/** Nothing is left of any job. */
async function clean(): Promise<void> {
  await until(() => !existsSync(jobs()) || readdirSync(jobs()).every((name) => !name.startsWith('millrace-')), LONG)
}

it(
  'an agent that is killed after it made a job, before it wrote that down: the next one finds the job, and makes no other',
  async () => {
    const id = await queue({ count: 20, ms: 50 })
    expect(await begin('first', { dies: 'after' }).ended).toBe('SIGKILL')
    await agent('second')
    expect(await over(id)).toMatchObject({ state: 'Completed', launch: 1, attempt: 1 })
    expect(steps('begin')).toHaveLength(20)
    await clean()
  },
  LONG,
)

it(
  'an agent that is killed after it claimed a run, before it made the job: the run is launched by the next',
  async () => {
    const id = await queue({ count: 2 })
    expect(await begin('first', { dies: 'before' }).ended).toBe('SIGKILL')
    await agent('second')
    expect(await over(id)).toMatchObject({ state: 'Completed', launch: 2, attempt: 1 })
    expect(steps('begin')).toHaveLength(2)
    await clean()
  },
  LONG,
)

it(
  'an agent that is killed while its runs go: they go on, and the next one looks after them',
  async () => {
    const first = await agent('first')
    const id = await queue({ count: 60, ms: 50 })
    await until(() => steps('end').length > 3, LONG)
    first.kill()
    await agent('second')
    expect(await over(id)).toMatchObject({ state: 'Completed', launch: 1, attempt: 1 })
    expect(steps('begin')).toHaveLength(60)
    await clean()
  },
  LONG,
)

it(
  'a driver that is killed: its run is Crashed, and says so; resumed by a retry, it does again only what was not finished',
  async () => {
    await agent('one')
    const id = await queue({ count: 60, ms: 50 })
    await until(() => steps('end').length > 6, LONG)
    const [, , pid] = steps('end')[0]?.split(' ') ?? []
    process.kill(Number(pid), 'SIGKILL')
    const crashed = await over(id)
    expect(crashed.state).toBe('Crashed')
    await clean()
    const done = steps('end').length
    await retryRun(store, id, { by: 'a test' })
    expect(await over(id)).toMatchObject({ state: 'Completed', launch: 2, attempt: 2 })
    expect(steps('end').length).toBeLessThanOrEqual(60 + 4)
    expect(done).toBeGreaterThan(6)
    await clean()
  },
  LONG,
)

it(
  'an agent that is told to go takes no more runs, and ends when those on its machine have',
  async () => {
    const first = await agent('first', { limit: 1 })
    const [one, two] = [await queue({ count: 20, ms: 50 }), await queue({ count: 1 })]
    await until(() => steps('end').length > 1, LONG)
    first.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(await store.findRun(one)).toMatchObject({ state: 'Completed', launch: 1 })
    expect(await store.findRun(two)).toMatchObject({ state: 'Scheduled' })
  },
  LONG,
)

it(
  'two agents race for a thousand runs: each runs once',
  async () => {
    const ids = await queueInline(1000)
    await Promise.all([agent('one', { launcher: 'inline', limit: 8 }), agent('two', { launcher: 'inline', limit: 8 })])
    await until(async () => (await unfinished()) === 0, LONG)
    const launches = linesOf(join(jobs(), 'launches')).map((line) => line.split(' '))
    expect(launches.map(([run]) => run).toSorted()).toEqual(ids.toSorted())
    expect(new Set(launches.map(([, , pid]) => pid)).size).toBe(2)
    expect(await states()).toEqual([{ state: 'Completed', attempt: 1, launch: 1, n: 1000 }])
  },
  LONG,
)

it(
  'an agent with the clock of yesterday does as those with the clock of today',
  async () => {
    await registerDeployments(store.database, [])
    const now = Date.now()
    await agent('late', { behind: DAY })
    const due = await queue({ count: 2 }, { notBefore: now - 1000, timeout: 3_600_000 })
    const notDue = await queue({ count: 2 }, { notBefore: now + 3_600_000 })
    expect(await over(due)).toMatchObject({ state: 'Completed', launch: 1, attempt: 1 })
    await clean()
    expect(await store.findRun(notDue)).toMatchObject({ state: 'Scheduled', launch: 0 })
  },
  LONG,
)

it(
  'a database that is away for ten seconds: no run is lost, and none is doubled',
  async () => {
    await store.close()
    await server.drop()
    const dir = mkdtempSync(join(tmpdir(), 'millrace-db-'))
    let postgres: EmbeddedPostgres = await startEmbeddedPostgres({ dir })
    try {
      await open(await createDatabase(postgres.url))
      const { port } = new URL(postgres.url)
      await agent('one', { limit: 2 })
      const ids = [await queue({ count: 40, ms: 100 }), await queue({ count: 40, ms: 100 }), await queue({ count: 2 })]
      await until(() => steps('end').length > 4, LONG)
      process.kill(postgres.pid, 'SIGKILL')
      await sleep(10_000)
      postgres = await startEmbeddedPostgres({ dir, port: Number(port) })
      const runs = await Promise.all(ids.map(over))
      expect(runs.map(({ state, launch }) => ({ state, launch }))).toEqual(
        ids.map(() => ({ state: 'Completed', launch: 1 })),
      )
      await clean()
    } finally {
      await endProcesses()
      await store.close()
      await postgres.stop()
      await rm(dir, { recursive: true, force: true })
      await open(await createDatabase())
    }
  },
  LONG,
)

async function unfinished(): Promise<number> {
  const [row] = await server.query<{ n: number }>("select count(*)::int as n from flow_run where state <> 'Completed'")
  return row?.n ?? -1
}

function states(): Promise<{ state: string; attempt: number; launch: number; n: number }[]> {
  return server.query('select state, attempt, launch, count(*)::int as n from flow_run group by 1, 2, 3')
}
