import {
  type ClaimedRun,
  claimedRuns,
  claimRuns,
  Database,
  dispatchPaused,
  enqueue,
  giveBack,
  launched,
  launches,
  PostgresStore,
  pauseDispatch,
  putLabelLimit,
  putQueue,
  registerAgent,
  resumeDispatch,
} from '@millrace/engine'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { DISPATCH_LOCK, LOCK_CLASS } from '../../../../platform/engine/postgres/locks.ts'
import { until } from '../../../until.ts'
import { claimer, found, openScene, queuedRun, queueOne, type Scene } from './scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(() => scene.empty())
afterAll(() => scene.close())

const claim = (more: Parameters<typeof claimer>[0] = {}): Promise<ClaimedRun[]> =>
  claimRuns(scene.database, claimer(more))
const ids = (runs: readonly { id: string }[]): string[] => runs.map(({ id }) => id)

describe('a claim', () => {
  it('makes a run Pending, counts its launch, and writes it into the ledger', async () => {
    const job = { ...queuedRun().job, image: 'flow@sha256:1', driver: { cpu: 4 } }
    const { id } = await queueOne(scene.store, { job, timeout: 60_000, priority: 2, deployment: 'hello' })
    const [run] = await claim({ agent: 7, launcher: 'docker' })
    expect(run).toMatchObject({ id, state: 'Pending', launch: 1, queue: 'default', priority: 2, job, timeout: 60_000 })
    expect(run?.jobName).toBe(`millrace-${id}-1`)
    expect(run?.deadline).toBeUndefined()
    expect(await launches(scene.database, 'docker')).toMatchObject([
      { run: id, launch: 1, agent: 7, jobName: `millrace-${id}-1`, state: 'Pending', isCurrent: true, isOver: false },
    ])
    expect(await claim()).toEqual([])
  })

  it('takes only runs whose labels the agent has, and whose launcher it is', async () => {
    const none = await queueOne(scene.store)
    const etl = await queueOne(scene.store, { labels: ['etl'] })
    const both = await queueOne(scene.store, { labels: ['etl', 'gpu'], launcher: 'process' })
    await queueOne(scene.store, { launcher: 'vertex' })
    expect(ids(await claim({ labels: ['etl'], exclusive: true }))).toEqual([etl.id])
    expect(ids(await claim({ labels: ['etl', 'other'] }))).toEqual([none.id])
    expect(ids(await claim({ labels: ['gpu', 'etl', 'x'] }))).toEqual([both.id])
    expect(await claim({ limit: 0, launcher: 'vertex' })).toEqual([])
  })

  it('takes more important queues first, then more important runs, then older ones', async () => {
    await putQueue(scene.database, 'urgent', { priority: 9 })
    const [a, b, c] = [
      await queueOne(scene.store),
      await queueOne(scene.store, { priority: 1 }),
      await queueOne(scene.store),
    ]
    const d = await queueOne(scene.store, { queue: 'urgent' })
    expect(ids(await claim({ limit: 3 }))).toEqual(ids([d, b, a]))
    expect(ids(await claim())).toEqual(ids([c]))
  })

  it('keeps to the concurrency of a queue, and a run that is over makes room', async () => {
    await putQueue(scene.database, 'two', { concurrency: 2 })
    const runs = [1, 2, 3].map(() => queuedRun({ queue: 'two' }))
    const made = await enqueue(scene.store, runs)
    const other = await queueOne(scene.store)
    const first = await claim()
    expect(ids(first)).toEqual([made[0]?.run.id, made[1]?.run.id, other.id])
    expect(await claim()).toEqual([])
    await scene.store.setState(made[0]?.run.id ?? '', 'Crashed')
    expect(ids(await claim())).toEqual([made[2]?.run.id])
  })

  it('keeps to the limit of a label over all queues, and goes past runs that it holds up', async () => {
    await putQueue(scene.database, 'other', {})
    await putLabelLimit(scene.database, 'gpu', 2)
    await enqueue(
      scene.store,
      Array.from({ length: 30 }, () => queuedRun({ labels: ['gpu'], priority: 5 })),
    )
    await queueOne(scene.store, { labels: ['gpu'], queue: 'other' })
    const light = await queueOne(scene.store)
    const claimed = await claim({ labels: ['gpu'], limit: 10 })
    expect(claimed.map(({ labels }) => labels)).toEqual([['gpu'], ['gpu'], []])
    expect(ids(claimed)).toContain(light.id)
  })

  it('leaves alone what is not to begin yet, by the clock of the database', async () => {
    const { id } = await queueOne(scene.store, { notBefore: Date.now() + 3_600_000 })
    expect(await claim()).toEqual([])
    await scene.server.query(`update flow_run set not_before = now() - interval '1 ms'`)
    expect(ids(await claim())).toEqual([id])
  })

  it('goes by the clock of the database where that of its own machine is a day behind', async () => {
    const today = new Date()
    const { id } = await queueOne(scene.store, { notBefore: Date.now() - 1000 })
    const days = (['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const).at(today.getUTCDay())
    const window = { from: '00:00', to: '00:00', timezone: 'UTC', days: [days ?? 'MON'] }
    await putQueue(scene.database, 'default', { window })
    vi.useFakeTimers({ toFake: ['Date'], now: today.getTime() - 86_400_000 })
    try {
      const [run] = await claim()
      expect(run?.id).toBe(id)
      expect(run?.claimed).toBeGreaterThanOrEqual(today.getTime() - 60_000)
    } finally {
      vi.useRealTimers()
    }
  })

  it('takes nothing of a queue whose window is closed', async () => {
    const day = (offset: number): 'MON' => {
      const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
      return days[(new Date().getUTCDay() + offset + 7) % 7] as 'MON'
    }
    const window = { from: '00:00', to: '00:00', timezone: 'UTC' }
    await queueOne(scene.store)
    await putQueue(scene.database, 'default', { window: { ...window, days: [day(2), day(3)] } })
    expect(await claim()).toEqual([])
    await putQueue(scene.database, 'default', { window: { ...window, days: [day(-1), day(0), day(1)] } })
    expect(await claim()).toHaveLength(1)
  })

  it('takes nothing while dispatch is paused, of all deployments or of one', async () => {
    const [a, b] = [await queueOne(scene.store, { deployment: 'a' }), await queueOne(scene.store, { deployment: 'b' })]
    await pauseDispatch(scene.database, { by: 'ada', reason: 'a roll' })
    await pauseDispatch(scene.database, { by: 'bob', reason: 'broken', deployments: ['a'] })
    await pauseDispatch(scene.database, { by: 'eve', reason: 'again' })
    expect(await dispatchPaused(scene.database)).toMatchObject([
      { by: 'ada', reason: 'a roll' },
      { by: 'bob', deployment: 'a' },
    ])
    expect(await claim()).toEqual([])
    expect(await resumeDispatch(scene.database)).toMatchObject([{ deployment: 'a' }])
    expect(ids(await claim())).toEqual([b.id])
    expect(await resumeDispatch(scene.database, { deployments: ['a'] })).toEqual([])
    expect(ids(await claim())).toEqual([a.id])
  })

  it('reads no table of runs as a whole', async () => {
    const own = await Database.open(scene.server.url, { connections: 1 })
    await enqueue(
      scene.store,
      Array.from({ length: 500 }, () => queuedRun({ deployment: 'd' })),
    )
    const scans = async (): Promise<number> => {
      await own.query('select pg_stat_force_next_flush()')
      const [row] = await own.query<{ n: number }>(
        `select seq_tup_read as n from pg_stat_user_tables where relname = 'flow_run'`,
      )
      return row?.n ?? -1
    }
    const before = await scans()
    expect(await claimRuns(own, claimer({ limit: 20 }))).toHaveLength(20)
    expect(await scans()).toBe(before)
    await own.close()
  })
})

describe('a thousand runs', () => {
  it('are claimed once each by two agents that race for them', async () => {
    const stores = await Promise.all([1, 2].map(() => PostgresStore.open(scene.server.url)))
    await enqueue(
      scene.store,
      Array.from({ length: 1000 }, () => queuedRun()),
    )
    const all = await Promise.all(
      stores.map(async ({ database }, agent) => {
        const own: ClaimedRun[] = []
        for (;;) {
          const some = await claimRuns(database, claimer({ agent, limit: 17 }))
          if (some.length === 0) return own
          own.push(...some)
        }
      }),
    )
    const claimed = all.flat()
    expect(claimed).toHaveLength(1000)
    expect(new Set(ids(claimed)).size).toBe(1000)
    expect(claimed.every(({ launch }) => launch === 1)).toBe(true)
    expect(await launches(scene.database, 'process')).toHaveLength(1000)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('never go beyond a concurrency, whoever claims', async () => {
    await putQueue(scene.database, 'default', { concurrency: 5 })
    await enqueue(
      scene.store,
      Array.from({ length: 40 }, () => queuedRun()),
    )
    const all = await Promise.all(Array.from({ length: 4 }, (_, agent) => claim({ agent, limit: 3 })))
    expect(all.flat()).toHaveLength(5)
  })
})

describe('a claim that is cut off', () => {
  /** Ends the connection of a claim that waits for its turn, having begun. */
  async function cutOff(): Promise<void> {
    const holder = new pg.Client({ connectionString: scene.server.url })
    await holder.connect()
    await holder.query('begin')
    await holder.query('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS.dispatch, DISPATCH_LOCK.claim])
    const claiming = claim().then(
      () => 'done',
      (error: Error) => error.message,
    )
    await until(async () => {
      const { rowCount } = await holder.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'millrace' and wait_event = 'advisory' and datname = current_database()`,
      )
      return rowCount === 1
    })
    expect(await claiming).toMatch(/terminat/)
    await holder.query('rollback')
    await holder.end()
  }

  it('before it is done leaves the run in its queue', async () => {
    const { id } = await queueOne(scene.store)
    await cutOff()
    expect(await found(scene.store, id)).toMatchObject({ state: 'Scheduled', launch: 0 })
    expect(await launches(scene.database, 'process')).toEqual([])
    expect(ids(await claim())).toEqual([id])
  })

  it('after it is done, so that its answer is lost, is found in the ledger', async () => {
    const { id } = await queueOne(scene.store, { timeout: 1000 })
    const [claimed] = await claim({ agent: 5 })
    expect(await claimedRuns(scene.database, 5)).toEqual([claimed])
    expect(await claimedRuns(scene.database, 6)).toEqual([])
    await launched(scene.database, id, 1, { handle: 'h' })
    expect(await claimedRuns(scene.database, 5)).toEqual([])
  })

  it('is undone as a whole when the process is killed between its steps', async () => {
    const { id } = await queueOne(scene.store)
    const work = scene.database.transaction(async (query) => {
      await query(`update flow_run set state = 'Pending' where id = $1`, [id])
      const [me] = await query<{ pid: number }>('select pg_backend_pid() as pid')
      await scene.server.query('select pg_terminate_backend($1, 5000)', [me?.pid])
      await query('select 1')
    })
    await expect(work).rejects.toThrow()
    expect((await found(scene.store, id)).state).toBe('Scheduled')
    expect(ids(await claim())).toEqual([id])
  })
})

describe('giving a run back', () => {
  it('puts it into its queue, to be launched a little later', async () => {
    const { id } = await queueOne(scene.store)
    await claim()
    expect(await giveBack(scene.database, id, 1, { message: 'the cloud is busy', after: 3_600_000 })).toBe(true)
    const run = await found(scene.store, id)
    expect(run).toMatchObject({ state: 'Scheduled', message: 'the cloud is busy', launch: 1 })
    expect(run.notBefore).toBeGreaterThan(Date.now() + 3_000_000)
    expect(await launches(scene.database, 'process')).toEqual([])
    expect(await claim()).toEqual([])
    await scene.server.query('update flow_run set not_before = now()')
    expect(await claim()).toMatchObject([{ id, launch: 2 }])
  })

  it('does nothing when the run is at another launch, was taken up by its driver, or is over', async () => {
    const { id } = await queueOne(scene.store)
    await claim()
    expect(await giveBack(scene.database, id, 2, { message: 'x' })).toBe(false)
    const lease = await scene.store.takeRun(id, undefined, 1)
    expect(await giveBack(scene.database, id, 1, { message: 'x' })).toBe(false)
    await scene.store.setState(id, 'Cancelling')
    await scene.store.setState(id, 'Cancelled')
    await lease.release()
    expect(await giveBack(scene.database, id, 1, { message: 'x' })).toBe(false)
    expect(await found(scene.store, id)).toMatchObject({ state: 'Cancelled', launch: 1 })
    expect(await launches(scene.database, 'process')).toMatchObject([{ isOver: true }])
  })
})

describe('a cancelled run', () => {
  it('that waits or is being launched is Cancelled at once, and its launch stays open for its job', async () => {
    const [waiting, pending] = [await queueOne(scene.store, { labels: ['x'] }), await queueOne(scene.store)]
    await claim()
    for (const { id } of [waiting, pending]) expect(await scene.store.setState(id, 'Cancelled')).toMatchObject({ id })
    expect(await launches(scene.database, 'process')).toMatchObject([
      { run: pending.id, state: 'Cancelled', isOver: true },
    ])
    expect(await claim({ labels: ['x'] })).toEqual([])
  })
})

it('an agent is told of runs that are queued, of runs that are over, and of room', async () => {
  const heard: (string | undefined)[] = []
  const agent = await registerAgent(scene.database, {
    ...{ name: 'a', launcher: 'process', place: 'here', labels: [], exclusive: false, limit: 1, stack: 'dev' },
    onNews: (over) => heard.push(over),
  })
  const { id } = await queueOne(scene.store)
  await until(() => heard.length === 1)
  await scene.store.setState(id, 'Cancelled')
  await until(() => heard.includes(id))
  await putQueue(scene.database, 'default', { concurrency: 3 })
  await until(() => heard.length === 3)
  expect(heard).toEqual([undefined, id, undefined])
  await agent.close()
})
