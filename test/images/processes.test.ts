import { appendFileSync, cpSync, globSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import {
  claimRuns,
  createRun,
  enqueue,
  type FlowRun,
  giveBack,
  importFlow,
  type JobRequest,
  PostgresStore,
  type QueuedRun,
  rescheduleRun,
} from '@millrace/engine'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../database.ts'
import { command } from '../e2e/command.ts'
import { compareTrees } from '../golden/compare.ts'
import { until } from '../until.ts'
import { assembleTree, Program, type ProgramOptions, REPOSITORY, type Tree } from './tree.ts'

const GOLDEN = join(REPOSITORY, 'test/golden/datacube/03-qualifiers')

let tree: Tree
let before: string[]
const inTree = (): string[] =>
  globSync('**', { cwd: tree.app })
    .map((path) => `${path} ${statSync(join(tree.app, path)).mtimeMs}`)
    .sort()

beforeAll(async () => {
  tree = await assembleTree('hello', 'burn', 'datacube')
  before = inTree()
})
afterAll(() => tree.remove())

const start = (name: string, options?: ProgramOptions): Program => Program.start(tree, name, options)

describe('the image of a flow, started by hand', () => {
  /** Without what differs from run to run. */
  const steady = (text: string): string => text.replace(/Completed in .* \(/, 'Completed in TIME (')

  it('prints what the laptop prints', async () => {
    const laptop = await command('millrace run hello', REPOSITORY)
    const image = start('flow')
    expect(await image.ended).toBe(0)
    expect(steady(image.out)).toBe(steady(laptop.out))
    expect(image.out).toContain('Hello, world!')
    expect(image.err).toMatch(/^\S+ flow Hello, world!\n$/)
  })

  it('takes parameters, and prints JSON', async () => {
    const image = start('flow', { args: ['run', 'hello', '--param', 'names=Ada,Grace', '--json'] })
    expect(await image.ended).toBe(0)
    expect(JSON.parse(image.out)).toMatchObject({ state: 'Completed', result: ['Hello, Ada!', 'Hello, Grace!'] })
  })

  it('runs datacube with the same numbers', async () => {
    const out = tree.makeFolder()
    const to = `file://${out}`
    const image = start('flow', {
      args: ['-f', 'params.json', '-p', `model_bucket=${to}`, '-p', `indicator_bucket=${to}`],
      env: { MILLRACE_BUNDLE: tree.bundle('datacube') },
      cwd: GOLDEN,
    })
    expect(await image.ended, image.err).toBe(0)
    expect(compareTrees(join(GOLDEN, 'expected.jsonl'), out)).toEqual([])
  })

  it.each([
    [['run', 'hullo'], {}, 'this image runs the flow hello, not hullo'],
    [['--parm', 'names=Ada'], {}, `Unknown option '--parm'`],
    [['--param', 'names='], {}, 'flow hello: parameter names: '],
    [['--slots', 'many'], {}, '--slots: expected a whole number, 1 or more, got "many"'],
    [[], { MILLRACE_SLOTS: '0' }, 'MILLRACE_SLOTS: must be a whole number, 1 or more, got "0"'],
  ])('refuses %j %j in one line', async (args, env, line) => {
    const image = start('flow', { args, env })
    expect(await image.ended).toBe(2)
    expect(image.err.startsWith(`millrace: ${line}`), image.err).toBe(true)
    expect(image.err).not.toMatch(/\n {4}at /)
    expect(image.out).toBe('')
  })

  it('refuses a bundle that is not what its name says', async () => {
    const from = fileURLToPath(tree.bundle('burn'))
    const file = join(tree.makeFolder(), 'burn', basename(from))
    cpSync(from, file)
    appendFileSync(file, '// and more')
    const image = start('flow', { env: { MILLRACE_BUNDLE: `file://${file}` } })
    expect(await image.ended).toBe(2)
    expect(image.err).toMatch(/^millrace: bundle \S+ is not what its name says: /)
  })

  it('does not fetch a bundle that it has', async () => {
    const url = `gs://no-such-bucket/hello/${basename(tree.bundle('hello'))}`
    const image = start('flow', { env: { MILLRACE_BUNDLE: url } })
    expect(await image.ended, image.err).toBe(0)
    expect(image.out).toContain('Hello, world!')
  })

  it('says where there is no bundle', async () => {
    const url = `file:///nowhere/hello/${'0'.repeat(64)}.mjs`
    const image = start('flow', { env: { MILLRACE_BUNDLE: url } })
    expect(await image.ended).toBe(2)
    expect(image.err).toContain(`millrace: cannot bring the bundle ${url}: `)
  })
})

describe('in a cluster', () => {
  let database: TestDatabase
  let store: PostgresStore
  beforeEach(async () => {
    database = await createDatabase()
    store = await PostgresStore.open(database.url)
  })
  afterEach(async () => {
    await store.close()
    await database.drop()
  })

  const burnSource = () => {
    const digest = basename(tree.bundle('burn'), '.mjs')
    return { flow: 'burn', path: `bundles/burn/${digest}.mjs`, digest }
  }
  /** Writes down a run. @param pool whose workers run its tasks */
  async function makeRun(
    executor: 'cluster' | 'threads',
    params: Record<string, unknown>,
    pool?: string,
  ): Promise<FlowRun> {
    const flow = await importFlow('/', { flow: 'burn', path: fileURLToPath(tree.bundle('burn')) })
    const run = await createRun({ flow, source: burnSource(), params, executor, store })
    await database.query('update flow_run set pool = $2 where id = $1', [run.id, pool ?? null])
    return run
  }
  /** Puts a run into the queue and claims it, as an agent does before it launches it. */
  async function claimRun(params: Record<string, unknown>, workers = 0): Promise<FlowRun> {
    const job: JobRequest = { bundles: 'file:/bundles', driver: {}, workers: { count: workers }, secretVersions: {} }
    const executor = workers > 0 ? 'cluster' : 'threads'
    const queued: QueuedRun = { flow: 'burn', name: 'burn', params, env: 'dev', executor, source: burnSource(), job }
    await enqueue(store, [queued])
    return await claimAgain()
  }
  async function claimAgain(): Promise<FlowRun> {
    const agent = { agent: 1, launcher: 'process', labels: [], exclusive: false, limit: 1 }
    const [claimed] = await claimRuns(store.database, agent)
    if (!claimed) throw new Error('there was nothing to claim')
    return claimed
  }
  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
    MILLRACE_DATABASE: database.url,
    MILLRACE_BUNDLE: tree.bundle('burn'),
    MILLRACE_SLOTS: '2',
    ...more,
  })
  const launchEnv = (id: string, launch: number, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv =>
    env({ MILLRACE_RUN: id, MILLRACE_LAUNCH: String(launch), ...more })
  const finished = async (id: string): Promise<number> => (await store.taskCounts(id)).burn?.Completed ?? 0

  it('workers run the tasks of a driver, and both say in the log what happens', async () => {
    const worker = start('worker', { env: env({ MILLRACE_CLUSTER: 'big', MILLRACE_LABELS: 'gpu,fast' }) })
    const ready = await worker.says(/ is ready$/)
    expect(ready).toMatchObject({ severity: 'INFO', cluster: 'big', slots: 2, labels: ['gpu', 'fast'] })
    const { id } = await makeRun('cluster', { tasks: 20 }, 'cluster:big')
    const driver = start('flow', { env: env({ MILLRACE_RUN: id }) })
    expect(await driver.ended, driver.out + driver.err).toBe(0)
    expect(await finished(id)).toBe(20)
    expect(await database.query('select distinct name from worker')).toEqual([{ name: ready.worker }])
    expect(driver.err).toBe('')
    expect(driver.log).toContainEqual(
      expect.objectContaining({ severity: 'INFO', message: 'burned', run: id, source: 'flow', fields: { tasks: 20 } }),
    )
    // What infra/components/log-events.ts has Monitoring look for.
    expect(driver.log.at(-1)).toMatchObject({ event: 'run-ended', flow: 'burn', run: id, state: 'Completed' })
    worker.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
  })

  it('a worker of a cluster brings the code of whichever run it gets tasks of', async () => {
    const bundles = dirname(dirname(tree.bundle('burn')))
    const worker = start('worker', { env: env({ MILLRACE_BUNDLE: '', MILLRACE_BUNDLES: bundles }) })
    const { id } = await makeRun('cluster', { tasks: 20 })
    const driver = start('flow', { env: env({ MILLRACE_RUN: id }) })
    expect(await driver.ended, driver.out + driver.err).toBe(0)
    expect(await finished(id)).toBe(20)
    worker.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
  })

  it('a worker that cannot bring it fails the tasks, and says what is not there', async () => {
    start('worker', { env: env({ MILLRACE_BUNDLE: '', MILLRACE_BUNDLES: 'file:///nowhere' }) })
    const { id } = await makeRun('cluster', { tasks: 1 })
    const driver = start('flow', { env: env({ MILLRACE_RUN: id }) })
    expect(await driver.ended).toBe(1)
    expect(driver.out).toMatch(/cannot bring the bundle file:\/\/\/nowhere\/burn\/[0-9a-f]{64}\.mjs/)
  })

  it('workers that a run brings run the tasks of that run alone, and end with it', async () => {
    const other = await makeRun('cluster', { tasks: 1 })
    const elsewhere = start('flow', { env: env({ MILLRACE_RUN: other.id }) })
    const { id } = await claimRun({ tasks: 20 }, 1)
    // The same environment for both: which of the two it is, a program knows.
    const worker = start('worker', { env: launchEnv(id, 1) })
    const driver = start('flow', { env: launchEnv(id, 1) })
    expect(await driver.ended, driver.out + driver.err).toBe(0)
    expect(await worker.ended, worker.out).toBe(0)
    expect(await finished(id)).toBe(20)
    expect(worker.log.at(-1)).toMatchObject({
      message: expect.stringMatching(new RegExp(`^worker \\S+ has stopped: run ${id} is Completed$`)),
      run: id,
    })
    expect(await store.taskCounts(other.id)).toEqual({ burn: { Pending: 1 } })
    const { password } = new URL(database.url)
    expect(password).not.toBe('')
    for (const { out, err } of [worker, driver, elsewhere]) expect(out + err).not.toContain(password)
  })

  it('a worker whose run is over, or gone, ends at once', async () => {
    const { id } = await claimRun({ tasks: 1 }, 1)
    await store.setState(id, 'Cancelled')
    for (const [run, why] of [
      [id, `run ${id} is Cancelled`],
      ['abc', 'there is no run abc any more'],
    ]) {
      const worker = start('worker', { env: launchEnv(String(run), 1) })
      expect(await worker.ended, worker.out).toBe(0)
      expect(worker.log.at(-1)?.message).toMatch(new RegExp(`has stopped: ${why}$`))
    }
  })

  it('a driver that comes late leaves the run to the launch that came after', async () => {
    const { id } = await claimRun({ tasks: 2 })
    await giveBack(store.database, id, 1, { message: 'its machine was taken away' })
    const left = async (): Promise<unknown> => {
      const late = start('flow', { env: launchEnv(id, 1) })
      expect(await late.ended, late.out).toBe(0)
      expect(late.log).toHaveLength(1)
      return late.log[0]?.message
    }
    expect(await left()).toBe(`run ${id} is back in its queue`)
    await claimAgain()
    expect(await left()).toBe(`run ${id} was launched again: this is launch 1, and it is at launch 2`)
    expect(await finished(id)).toBe(0)
    const driver = start('flow', { env: launchEnv(id, 2) })
    expect(await driver.ended, driver.out).toBe(0)
    expect(driver.log.at(-1)).toMatchObject({ event: 'run-ended', state: 'Completed', launch: 2 })
  })

  it('a driver whose run is taken from it stops, and leaves it to the next launch', async () => {
    const { id } = await claimRun({ tasks: 4, ms: 60_000 })
    const driver = start('flow', { env: launchEnv(id, 1) })
    await driver.says(/ begins$/)
    await rescheduleRun(store.database, id, 1, { message: 'its machine is taken away', most: 3 })
    expect(await driver.ended, driver.out).toBe(0)
    expect(driver.log.at(-1)?.message).toBe(`run ${id} is back in its queue`)
    expect(await store.findRun(id)).toMatchObject({ state: 'Scheduled' })
  })

  it('a driver that is told to go puts its run back into its queue, and is not started again by the same launch', async () => {
    const { id } = await claimRun({ tasks: 4, ms: 60_000 })
    const driver = start('flow', { env: launchEnv(id, 1) })
    await driver.says(/ begins$/)
    driver.kill('SIGTERM')
    expect(await driver.ended, driver.out).toBe(143)
    expect(await store.findRun(id)).toMatchObject({
      state: 'Scheduled',
      message: expect.stringContaining('told to go'),
    })
    const again = start('flow', { env: launchEnv(id, 1) })
    expect(await again.ended, again.out).toBe(0)
    expect(again.log.at(-1)?.message).toBe(`run ${id} is back in its queue`)
  })

  it.each([
    ['Cancelled', 'is Cancelled already'],
    ['Cancelling', 'was cancelled before it began'],
  ] as const)('a run that is %s before its driver begins is not begun', async (state, why) => {
    const { id } = await claimRun({ tasks: 1 })
    await store.setState(id, state, { message: 'cancelled by Ada' })
    const driver = start('flow', { env: launchEnv(id, 1) })
    expect(await driver.ended, driver.out).toBe(0)
    expect(driver.log).toEqual([expect.objectContaining({ severity: 'INFO', message: `run ${id} ${why}` })])
    expect(await store.findRun(id)).toMatchObject({ state: 'Cancelled', message: 'cancelled by Ada', attempt: 0 })
  })

  it('a worker that is told to go finishes what it runs, and takes no more', async () => {
    const worker = start('worker', { env: env() })
    await worker.says(/ is ready$/)
    const { id } = await makeRun('cluster', { tasks: 12, ms: 800 })
    const driver = start('flow', { env: env({ MILLRACE_RUN: id }) })
    // What a slot has begun, and not only what is claimed: the rest is for others.
    await until(async () => (await finished(id)) >= 2)
    await sleep(150)
    worker.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
    expect(worker.log.at(-1)).toMatchObject({ message: expect.stringMatching(/has stopped$/) })
    const done = await finished(id)
    expect(done).toBeGreaterThanOrEqual(4)
    expect(done).toBeLessThan(12)
    expect(await store.taskCounts(id)).toEqual({ burn: { Completed: done, Pending: 12 - done } })
    start('worker', { env: env({ MILLRACE_SLOTS: '8' }) })
    expect(await driver.ended, driver.out).toBe(0)
    expect(await finished(id)).toBe(12)
  })

  it('a worker that may not drain gives back what it runs', async () => {
    const worker = start('worker', { env: env({ MILLRACE_DRAIN_SECONDS: '0.1' }) })
    await worker.says(/ is ready$/)
    const { id } = await makeRun('cluster', { tasks: 2, ms: 60_000 })
    start('flow', { env: env({ MILLRACE_RUN: id }) })
    await until(async () => (await store.taskCounts(id)).burn?.Running === 2)
    worker.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
    expect(await store.taskCounts(id)).toEqual({ burn: { Pending: 2 } })
  })

  it('a driver that is told to go leaves the run to the next, which does nothing twice', async () => {
    const { id } = await makeRun('threads', { tasks: 16, ms: 150 })
    const driver = start('flow', { env: env({ MILLRACE_RUN: id }) })
    await until(async () => (await finished(id)) > 3)
    driver.kill('SIGTERM')
    expect(await driver.ended).toBe(143)
    expect(driver.log.some(({ event }) => event === 'run-ended')).toBe(false)
    expect(await store.findRun(id)).toMatchObject({ state: 'Crashed', message: expect.stringContaining('SIGTERM') })
    const done = await finished(id)
    expect(done).toBeLessThan(16)
    const next = start('flow', { env: env({ MILLRACE_RUN: id }) })
    expect(await next.ended, next.out).toBe(0)
    const tasks = await store.taskRuns(id, { limit: 100 })
    expect(tasks.map(({ state }) => state)).toEqual(Array(16).fill('Completed'))
    const again = tasks.filter(({ started = 0 }) => started > Date.parse(String(next.log[0]?.time)))
    expect(again.length).toBeLessThanOrEqual(16 - done)
  })

  it('a run that is over is not run again', async () => {
    const { id } = await makeRun('threads', { tasks: 1 })
    expect(await start('flow', { env: env({ MILLRACE_RUN: id }) }).ended).toBe(0)
    const again = start('flow', { env: env({ MILLRACE_RUN: id }) })
    expect(await again.ended).toBe(0)
    expect(again.log).toEqual([expect.objectContaining({ message: `run ${id} is Completed already` })])
  })

  it('a cancelled run ends as such, though the driver is told to go, too', async () => {
    const { id } = await makeRun('threads', { tasks: 2, ms: 60_000 })
    const driver = start('flow', { env: env({ MILLRACE_RUN: id }) })
    await driver.says(/ begins$/)
    await store.setState(id, 'Cancelling', { message: 'cancelled by Ada' })
    driver.kill('SIGTERM')
    expect(await driver.ended).toBe(130)
    expect(await store.findRun(id)).toMatchObject({ state: 'Cancelled' })
  })

  it.each([
    ['flow', { MILLRACE_DATABASE: '' }, 'MILLRACE_DATABASE is not set'],
    ['worker', { MILLRACE_DATABASE: '' }, 'MILLRACE_DATABASE is not set'],
    ['flow', { MILLRACE_RUN: 'zzz' }, 'there is no run zzz in the database'],
    ['worker', { MILLRACE_DATABASE: 'postgres://127.0.0.1:9/x' }, 'no database answers at 127.0.0.1:9/x'],
    ['flow', { MILLRACE_DATABASE: 'postgres://u:hid/den@db/x' }, 'the database URL cannot be read'],
    [
      'worker',
      { MILLRACE_DATABASE: 'cloudsql://u:hid/den@a:b/c' },
      expect.stringMatching(/got "cloudsql:\/\/…@a:b\/c"$/),
    ],
    [
      'flow',
      // With what leads there in the image, and nobody to be there.
      { MILLRACE_DATABASE: 'cloudsql://a:b:c/d', METADATA_SERVER_DETECTION: 'none' },
      'the Cloud SQL instance a:b:c: there are no Google credentials here to log in with',
    ],
  ])('a %s with %j says what is wrong in one line', async (program, wrong, message) => {
    const going = start(program, { env: env({ MILLRACE_RUN: 'abc', ...wrong }) })
    expect(await going.ended).toBe(2)
    expect(going.log).toEqual([expect.objectContaining({ severity: 'ERROR', message })])
  })

  it('a run is not driven with another bundle than it began with', async () => {
    const { id } = await makeRun('threads', { tasks: 1 })
    const driver = start('flow', { env: env({ MILLRACE_RUN: id, MILLRACE_BUNDLE: tree.bundle('hello') }) })
    expect(await driver.ended).toBe(2)
    expect(driver.log.at(-1)?.message).toBe(`run ${id} is of flow burn, and the bundle of hello`)
  })
})

describe('the console', () => {
  it('has a page, and says that it is well, until it is told to go', async () => {
    const console = start('console', { env: { PORT: '0' } })
    const { port } = await console.says(/is up$/)
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('<h1>Millrace</h1>')
    expect(await (await fetch(`http://127.0.0.1:${port}/health`)).json()).toEqual({ status: 'ok' })
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(404)
    console.kill('SIGTERM')
    expect(await console.ended).toBe(0)
  })
})

it('programs change nothing in their image', () => {
  expect(inTree()).toEqual(before)
})
