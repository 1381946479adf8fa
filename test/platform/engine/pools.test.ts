import { createRun, driveRun, type FlowRun, flowSource, PostgresStore, queueDepth } from '@millrace/engine'
import { type Flow, flow } from '@millrace/sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { claim, enqueue, hungryRuns } from '../../../platform/engine/postgres/queue.ts'
import { liveWorkers } from '../../../platform/engine/postgres/workers.ts'
import type { RunState } from '../../../platform/engine/states.ts'
import { Claimer } from '../../../platform/engine/worker/claimer.ts'
import { Claims } from '../../../platform/engine/worker/claims.ts'
import { OwnRun, whyOver } from '../../../platform/engine/worker/own-run.ts'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { double } from '../../fixtures/project/flows/tasks/behaviours.ts'
import { endProcesses, PROJECT, startWorker, type TestProcess } from '../../process.ts'
import { until } from '../../until.ts'
import { REAPER } from './stage.ts'

let database: TestDatabase
let store: PostgresStore
beforeEach(async () => {
  database = await createDatabase()
  store = await PostgresStore.open(database.url)
})
afterEach(async () => {
  await endProcesses()
  await store.close()
  await database.drop()
})

const doubles = flow({ name: 'tasks' }, async () => double.map([1, 2, 3, 4])) as unknown as Flow

/** @param pool `run`: its own */
async function makeRun(pool: string | null): Promise<FlowRun> {
  const source = flowSource(PROJECT, 'tasks', 'flows/tasks/flow.ts')
  const { id } = await createRun({ flow: doubles, source, params: {}, executor: 'cluster', store })
  await database.query('update flow_run set pool = $2 where id = $1', [id, pool === 'run' ? `run:${id}` : pool])
  return (await store.findRun(id)) as FlowRun
}

interface Driven {
  readonly state: RunState
  readonly result: unknown
  /** Of the workers that ran its tasks. */
  readonly workers: readonly string[]
  readonly warnings: readonly string[]
}

async function drive({ id }: FlowRun, onWarning: (text: string) => void = () => {}): Promise<Driven> {
  const warnings: string[] = []
  const { run, result } = await driveRun(id, {
    flow: doubles,
    store,
    root: PROJECT,
    reaper: REAPER,
    onLog: (_source, { level, message }) => {
      if (level !== 'warn') return
      warnings.push(message)
      onWarning(message)
    },
  })
  const workers = [...new Set((await store.taskRuns(id)).map(({ worker = '' }) => worker))]
  return { state: run.state, result, workers, warnings }
}

function worker(name: string, more: Parameters<typeof startWorker>[0] | object = {}): Promise<TestProcess> {
  return startWorker({ database: database.url, name, reaper: REAPER, ...more })
}

describe('tasks go to workers', () => {
  it('of the same pool: of none, of a worker cluster, of the run itself', async () => {
    const [free, clustered, own] = [await makeRun(null), await makeRun('cluster:big'), await makeRun('run')]
    await worker('anybody')
    await worker('of-big', { cluster: 'big' })
    await worker('of-small', { cluster: 'small' })
    // A run's own worker is there for it alone, though it may be told of a cluster, too.
    await worker('of-run', { cluster: 'big', run: { id: own.id } })
    const driven = await Promise.all([free, clustered, own].map((run) => drive(run)))
    expect(driven.map(({ state, result, workers }) => ({ state, result, workers }))).toEqual(
      ['anybody', 'of-big', 'of-run'].map((name) => ({
        state: 'Completed',
        result: [2, 4, 6, 8],
        workers: [name],
      })),
    )
    const pools = await liveWorkers(store.database)
    expect(Object.fromEntries(pools.map(({ name, pool }) => [name, pool]))).toMatchObject({
      anybody: null,
      'of-big': 'cluster:big',
    })
  })

  it.each([
    [null, 'waiting: no worker is connected; start one with: millrace worker start', {}],
    [
      'cluster:far',
      'waiting: no worker of the cluster far is connected; start one with: millrace worker start --cluster far',
      { cluster: 'far' },
    ],
    ['run', 'waiting: no worker of those that this run brings is connected', 'own'],
  ])('and a run with nobody in its pool (%s) says so, until somebody comes', async (pool, warning, options) => {
    const run = await makeRun(pool)
    if (pool !== null) await worker('not-for-it')
    else await worker('not-for-it', { cluster: 'other' })
    const warned = Promise.withResolvers<string>()
    const driving = drive(run, warned.resolve)
    expect(await warned.promise).toBe(warning)
    await worker('for-it', options === 'own' ? { run: { id: run.id } } : (options as object))
    expect(await driving).toMatchObject({ state: 'Completed', workers: ['for-it'], warnings: [warning] })
  })
})

describe('the queue', () => {
  let worker: number
  beforeEach(async () => {
    const [row] = await database.query<{ id: number }>(
      `insert into worker (name, host, pid, slots, version, pool) values ('w', 'h', 1, 1, 'x', 'cluster:a') returning id`,
    )
    worker = row?.id ?? 0
  })

  /** A run that is going, with tasks waiting. @returns its number */
  async function going(pool: string | null, tasks = 2): Promise<number> {
    const { id } = await makeRun(pool)
    await store.takeRun(id)
    const no = await store.number(id)
    await feed(no, 0, tasks)
    return no
  }
  async function feed(run: number, from: number, count: number): Promise<void> {
    const bytes = new Uint8Array(4)
    const base = { key: bytes, task: 't', attempt: 1, priority: 0, labels: [], args: bytes }
    await enqueue(
      store.database,
      run,
      Array.from({ length: count }, (_, i) => ({ ...base, seq: from + i, shared: undefined, slot: undefined })),
    )
  }

  it('shows a worker the runs of its pool, and gives it tasks of no others', async () => {
    const [free, ours, theirs] = [await going(null), await going('cluster:a'), await going('cluster:b')]
    expect(await hungryRuns(store.database, null)).toEqual([free])
    expect(await hungryRuns(store.database, 'cluster:a')).toEqual([ours])
    for (const run of [free, theirs]) expect(await claim(store.database, run, worker, [], 9)).toEqual([])
    expect(await claim(store.database, ours, worker, [], 9)).toHaveLength(2)
  })

  it('is counted for each pool: as many workers are made as there is for them', async () => {
    expect(await queueDepth(store.database)).toEqual({ waiting: 0, running: 0, pools: [] })
    await going(null, 1)
    await going('cluster:a', 2)
    await claim(store.database, await going('cluster:a', 3), worker, [], 2)
    const pools = [
      { pool: null, waiting: 1, running: 0 },
      { pool: 'cluster:a', waiting: 3, running: 2 },
    ]
    expect(await queueDepth(store.database)).toEqual({ waiting: 4, running: 2, pools })
    expect(await queueDepth(store.database, 'cluster:a')).toEqual({ waiting: 3, running: 2, pools: pools.slice(1) })
    expect(await queueDepth(store.database, null)).toMatchObject({ waiting: 1, running: 0 })
    expect(await queueDepth(store.database, 'cluster:b')).toEqual({ waiting: 0, running: 0, pools: [] })
  })

  it('lets a worker be, that hears of runs of other pools: it asks once', async () => {
    const taken: number[] = []
    const claimer = new Claimer({
      database: store.database,
      claims: new Claims(),
      labels: [],
      pool: 'cluster:a',
      worker: () => worker,
      ready: () => true,
      appetite: () => 100,
      take: async (run, tasks) => void taken.push(...tasks.map(() => run)),
      lost: () => {},
      broken: (error) => expect(error).toBeUndefined(),
    })
    const asked = vi.spyOn(store.database, 'queryOnce')
    const claims = (): number => asked.mock.calls.filter(([, , name]) => name === 'claim').length
    const isAnswered = (): boolean =>
      asked.mock.calls.some(
        ([, , name], i) => name === 'is-of-pool' && asked.mock.settledResults[i]?.type === 'fulfilled',
      )
    const [theirs, ours] = [await going('cluster:b'), await going('cluster:a')]
    claimer.feed(theirs)
    await until(isAnswered)
    for (let i = 0; i < 5; i++) claimer.feed(theirs)
    // Turns are taken in order: when ours has had its turn, the other would have had one.
    claimer.feed(ours)
    await until(() => taken.length === 2)
    expect(taken).toEqual([ours, ours])
    expect(claims()).toBe(2)
    // It may be sent here later: a look at the queue finds it.
    await database.query(`update flow_run set pool = 'cluster:a' where no = $1`, [theirs])
    await claimer.look()
    await until(() => taken.length === 4)
    await feed(theirs, 2, 1)
    claimer.feed(theirs)
    await until(() => taken.length === 5)
    expect(taken.slice(2)).toEqual([theirs, theirs, theirs])
  })
})

describe('a worker that a run brought', () => {
  it('ends when the run does', async () => {
    const run = await makeRun('run')
    const own = await worker('own', { run: { id: run.id } })
    expect(await drive(run)).toMatchObject({ state: 'Completed', workers: ['own'] })
    expect(await own.ended).toBe(0)
    expect(own.lines.at(-1)).toBe('stopped')
    expect(await database.query(`select state from worker where name = 'own'`)).toEqual([{ state: 'stopped' }])
  })

  it.each([
    ['was over before', (id: string) => store.setState(id, 'Cancelled')],
    ['is gone', (id: string) => database.query('delete from flow_run where id = $1', [id])],
    ['was launched again', (id: string) => database.query('update flow_run set launch = 2 where id = $1', [id])],
    [
      'is back in its queue',
      (id: string) => database.query(`update flow_run set state = 'Scheduled' where id = $1`, [id]),
    ],
  ])('ends at once when the run %s', async (_what, change) => {
    const run = await makeRun('run')
    await database.query('update flow_run set launch = 1 where id = $1', [run.id])
    await change(run.id)
    const own = await worker('own', { run: { id: run.id, launch: 1 } })
    expect(await own.ended).toBe(0)
    expect(own.lines.at(-1)).toBe('stopped')
  })

  it('ends in the middle of a task that nobody waits for any more', async () => {
    const run = await makeRun('run')
    const own = await worker('own', { run: { id: run.id } })
    const driver = await store.takeRun(run.id)
    const [no, bytes] = [await store.number(run.id), new Uint8Array(4)]
    const base = { key: bytes, task: 'spin', attempt: 1, priority: 0, labels: [], args: bytes }
    await enqueue(store.database, no, [{ ...base, seq: 0, shared: undefined, slot: undefined }])
    await until(async () => (await store.taskRuns(run.id))[0]?.worker === 'own')
    await store.setState(run.id, 'Crashed', { message: 'its driver was told to go', attempt: 1 })
    expect(await own.ended).toBe(0)
    await driver.release()
  })

  it('is needed while the run goes, in the launch that brought it', () => {
    const cases = [
      ['Pending', undefined],
      ['Running', undefined],
      ['Paused', undefined],
      ['Cancelling', undefined],
      ['Completed', 'run r is Completed'],
      ['Failed', 'run r is Failed'],
      ['Cancelled', 'run r is Cancelled'],
      ['Crashed', 'run r is Crashed'],
      ['Scheduled', 'run r is back in its queue'],
    ] as const
    const own = { id: 'r', launch: 1 }
    for (const [state, why] of cases) expect(whyOver(own, { state, launch: 1, mayReturn: false }), state).toBe(why)
    expect(whyOver(own, { state: 'Crashed', launch: 1, mayReturn: true })).toBeUndefined()
    expect(whyOver(own, { state: 'Running', launch: 2, mayReturn: false })).toBe('run r was launched again: launch 2')
    expect(whyOver({ id: 'r' }, { state: 'Running', launch: 2, mayReturn: false })).toBeUndefined()
    expect(whyOver(own, undefined)).toBe('there is no run r any more')
  })

  it('stays a while for a driver that may only have lost its connection', async () => {
    const run = await makeRun('run')
    const own = await OwnRun.find(store.database, { id: run.id })
    const crashed = (missing: string, secondsAgo: number): Promise<unknown> =>
      database.query(
        `update flow_run set state = 'Crashed', driver_missing = ${missing}, ended = now() - $2 * interval '1 s' where id = $1`,
        [run.id, secondsAgo],
      )
    await crashed('now()', 0)
    expect(await own.whyOver()).toBeUndefined()
    await crashed('now()', 61)
    expect(await own.whyOver()).toBe(`run ${run.id} is Crashed`)
    // It said so itself.
    await crashed('null', 0)
    expect(await own.whyOver()).toBe(`run ${run.id} is Crashed`)
  })
})
