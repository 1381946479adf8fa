import {
  changeQueued,
  claimRuns,
  enqueue,
  PostgresStore,
  putQueue,
  type QueuedRun,
  queues,
  retryRun,
} from '@millrace/engine'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { insertQueued, newQueuedRun } from '../../../../platform/engine/dispatch/enqueue.ts'
import { DISPATCH_LOCK, LOCK_CLASS } from '../../../../platform/engine/postgres/locks.ts'
import { until } from '../../../until.ts'
import { claimer, found, openScene, queuedRun, queueOne, type Scene } from './scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(() => scene.empty())
afterAll(() => scene.close())

const keyed = (scope: 'queued' | 'active' | 'ever', text = 'k'): QueuedRun =>
  queuedRun({ deployment: 'd', key: { text, scope } })
const count = async (): Promise<number> =>
  (await scene.server.query<{ n: number }>('select count(*)::int as n from flow_run'))[0]?.n ?? 0

describe('queueing', () => {
  it('keeps all that was said of a run', async () => {
    await putQueue(scene.database, 'nightly', {})
    const notBefore = Date.now() + 60_000
    const run = await queueOne(scene.store, {
      deployment: 'hello@x',
      queue: 'nightly',
      priority: 7,
      launcher: 'vertex',
      labels: ['etl', 'big'],
      params: { names: ['Ada'] },
      notBefore,
      timeout: 5000,
      release: '3',
      commit: 'abc',
    })
    expect(run).toMatchObject({
      flow: 'hello',
      state: 'Scheduled',
      deployment: 'hello@x',
      queue: 'nightly',
      priority: 7,
      launcher: 'vertex',
      launch: 0,
      labels: ['etl', 'big'],
      params: { names: ['Ada'] },
      notBefore,
      timeout: 5000,
      release: '3',
      commit: 'abc',
      name: `hello-${run.id.slice(-6)}`,
    })
    expect(await found(scene.store, run.id)).toEqual(run)
    const list = async (filter: object) => (await scene.store.listRuns(filter)).runs.length
    expect(await list({ deployment: 'hello@x', queue: 'nightly', label: 'big' })).toBe(1)
    expect(await list({ deployment: 'hello' })).toBe(0)
    expect(await list({ queue: 'default' })).toBe(0)
    expect(await list({ label: 'gpu' })).toBe(0)
  })

  it('leaves a run that never was in a queue as it was', async () => {
    const run = await scene.store.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads' })
    expect(Object.keys(run)).not.toContain('launch')
    expect(Object.keys(run)).not.toContain('priority')
  })

  it.each([
    [{}, undefined],
    [{ cluster: 'big' }, 'cluster:big'],
    [{ cluster: 'big', workers: { count: 2 } }, 'run'],
  ])('of a run with %j says whose workers take its tasks', async (more, pool) => {
    const executor = pool === undefined ? 'threads' : 'cluster'
    const run = await queueOne(scene.store, { executor, job: { ...queuedRun().job, ...more } })
    expect(run.pool).toBe(pool === 'run' ? `run:${run.id}` : pool)
  })

  it('of ten thousand runs at once keeps their order', async () => {
    const runs = Array.from({ length: 10_000 }, (_, i) => queuedRun({ params: { i } }))
    const made = await enqueue(scene.store, runs)
    expect(made.every(({ run, isKnown }, i) => run.params.i === i && !isKnown)).toBe(true)
    expect((await queues(scene.database))[0]?.waiting).toBe(10_000)
    const claimed = await claimRuns(scene.database, claimer({ limit: 50 }))
    expect(claimed.map(({ params }) => params.i)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  })

  it('of nothing does nothing', async () => {
    expect(await enqueue(scene.store, [])).toEqual([])
  })

  it('is all or nothing', async () => {
    const bad = queuedRun({ params: { text: 'a\0b' } })
    await expect(enqueue(scene.store, [queuedRun(), bad])).rejects.toThrow('flow hello: a parameter has a zero byte')
    await expect(enqueue(scene.store, [queuedRun(), queuedRun({ queue: 'none' })])).rejects.toThrow('no queue "none"')
    expect(await count()).toBe(0)
  })

  it('beyond the cap of a queue is refused, naming it', async () => {
    await putQueue(scene.database, 'small', { cap: 3 })
    const some = (n: number) => Array.from({ length: n }, () => queuedRun({ queue: 'small' }))
    await enqueue(scene.store, some(2))
    const message = 'queue small: its cap is 3 waiting runs, and this would make it 4: nothing was queued'
    await expect(enqueue(scene.store, some(2))).rejects.toThrow(message)
    expect(await count()).toBe(2)
    const both = await Promise.allSettled([enqueue(scene.store, some(1)), enqueue(scene.store, some(1))])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  })
})

describe('a key', () => {
  it.each([
    ['queued', [true, false, false]],
    ['active', [true, true, false]],
    ['ever', [true, true, true]],
  ] as const)('of the scope %s lets no second run in while it holds', async (scope, known) => {
    const [first] = await enqueue(scene.store, [keyed(scope)])
    const id = first?.run.id ?? ''
    const isKnown = async (): Promise<boolean> => {
      const [again] = await enqueue(scene.store, [keyed(scope)])
      if (again?.isKnown) expect(again.run.id).toBe(id)
      else await scene.store.setState(again?.run.id ?? '', 'Cancelled')
      return again?.isKnown ?? false
    }
    const seen = [await isKnown()]
    await claimRuns(scene.database, claimer())
    seen.push(await isKnown())
    await scene.store.setState(id, 'Failed')
    seen.push(await isKnown())
    expect(seen).toEqual(known)
  })

  it('is that of one deployment, and of code that is deployed nowhere that of its flow', async () => {
    const key = { text: 'k', scope: 'ever' } as const
    const { deployment: _d, ...nowhere } = queuedRun({ key })
    const runs = [keyed('ever'), { ...keyed('ever'), deployment: 'e' }, nowhere, { ...nowhere, flow: 'other' }, nowhere]
    const known = [false, false, false, false, true]
    for (const [i, run] of runs.entries()) expect((await enqueue(scene.store, [run]))[0]?.isKnown).toBe(known[i])
    expect((await enqueue(scene.store, runs)).map(({ isKnown }) => isKnown)).toEqual(runs.map(() => true))
    await scene.empty()
    expect((await enqueue(scene.store, runs)).map(({ isKnown }) => isKnown)).toEqual(known)
  })

  it('given twice in one call makes one run', async () => {
    const [a, b, c] = await enqueue(scene.store, [keyed('queued'), keyed('queued'), keyed('queued', 'other')])
    expect([a?.isKnown, b?.isKnown, c?.isKnown]).toEqual([false, true, false])
    expect(b?.run.id).toBe(a?.run.id)
    expect(await count()).toBe(2)
  })

  it('makes one run, however many processes queue it at the same time', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => PostgresStore.open(scene.server.url)))
    const scopes = ['queued', 'active', 'ever'] as const
    const keys = scopes.flatMap((scope) => Array.from({ length: 50 }, (_, i) => keyed(scope, `k-${i}`)))
    const answers = await Promise.all(stores.map((store) => enqueue(store, keys)))
    expect(await count()).toBe(150)
    expect(answers.flat().filter(({ isKnown }) => !isKnown)).toHaveLength(150)
    await Promise.all(stores.map((store) => store.close()))
  })
})

describe('an answer that is lost', () => {
  it('makes no second run, nor takes it for one that was there', async () => {
    const run = newQueuedRun(queuedRun({ key: { text: 'k', scope: 'ever' } }))
    const plain = newQueuedRun(queuedRun())
    const put = () => scene.database.transaction((query) => insertQueued(query, [run, plain]))
    expect(await put()).toEqual(await put())
    expect((await put()).map(({ isKnown }) => isKnown)).toEqual([false, false])
    expect(await count()).toBe(2)
  })

  it('because the connection broke before anything was done leaves nothing undone', async () => {
    const holder = new pg.Client({ connectionString: scene.server.url })
    await holder.connect()
    await holder.query('select pg_advisory_lock($1, $2)', [LOCK_CLASS.dispatch, DISPATCH_LOCK.enqueue])
    const queueing = enqueue(scene.store, [keyed('ever'), queuedRun()])
    await until(async () => {
      const { rowCount } = await holder.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'millrace' and wait_event = 'advisory' and datname = current_database()`,
      )
      return rowCount === 1
    })
    await holder.end()
    expect((await queueing).map(({ isKnown }) => isKnown)).toEqual([false, false])
    expect(await count()).toBe(2)
  })
})

describe('trying a run again', () => {
  it('puts it back into its queue, with its journal', async () => {
    const { id } = await queueOne(scene.store)
    await claimRuns(scene.database, claimer())
    const lease = await scene.store.takeRun(id)
    const task = { seq: 0, key: new Uint8Array(16), task: 't', attempt: 1, created: 0, started: 0, ended: 0 }
    await scene.store.recordTasks(id, [{ ...task, state: 'Completed', result: undefined, failure: undefined }])
    await scene.store.setState(id, 'Failed', { message: 'no' })
    await lease.release()
    const retried = await retryRun(scene.store, id, { by: 'ada' })
    expect(retried).toMatchObject({ state: 'Scheduled', message: 'queued again by ada', launch: 1 })
    expect(retried.ended).toBeUndefined()
    expect(await claimRuns(scene.database, claimer())).toMatchObject([{ id, launch: 2 }])
    expect(await scene.store.journal(id)).toHaveLength(1)
  })

  it('is refused where there is nothing to try, and says what to do', async () => {
    const { id } = await queueOne(scene.store, { deployment: 'd', params: { n: 1 } })
    const retry = () => retryRun(scene.store, id, { by: 'ada' })
    await expect(retry()).rejects.toThrow(`run ${id} waits in the queue default already`)
    await claimRuns(scene.database, claimer())
    await expect(retry()).rejects.toThrow(`run ${id} is Pending: only a run that failed`)
    const lease = await scene.store.takeRun(id)
    await scene.store.setState(id, 'Completed')
    await lease.release()
    await expect(retry()).rejects.toMatchObject({
      message: `run ${id} is Completed: there is nothing to try again`,
      hint: expect.stringContaining('millrace run d --remote'),
    })
    const plain = await scene.store.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads' })
    await scene.store.setState(plain.id, 'Failed')
    await expect(retryRun(scene.store, plain.id, { by: 'ada' })).rejects.toMatchObject({
      message: `run ${plain.id} was never in a queue`,
      hint: expect.stringContaining(`millrace resume ${plain.id}`),
    })
    await expect(retryRun(scene.store, 'nosuch', { by: 'ada' })).rejects.toThrow('there is no run nosuch')
  })

  it('is refused while a driver still holds it', async () => {
    const { id } = await queueOne(scene.store)
    const lease = await scene.store.takeRun(id)
    await scene.store.setState(id, 'Failed')
    await expect(retryRun(scene.store, id, { by: 'ada' })).rejects.toThrow('has no driver any more')
    await lease.release()
    await expect
      .poll(() => retryRun(scene.store, id, { by: 'ada' }).then(({ state }) => state, String))
      .toBe('Scheduled')
  })

  it('is refused while another run holds its key', async () => {
    const key = { text: 'k', scope: 'active' } as const
    const first = await queueOne(scene.store, { key })
    await scene.store.setState(first.id, 'Cancelled')
    const second = await queueOne(scene.store, { key })
    expect(second.id).not.toBe(first.id)
    await expect(retryRun(scene.store, first.id, { by: 'ada' })).rejects.toThrow(`run ${second.id} has the same key`)
  })
})

describe('changing a run that waits', () => {
  it('sends it to another agent, and no longer when it is claimed', async () => {
    await putQueue(scene.database, 'slow', {})
    const { id } = await queueOne(scene.store, { labels: ['etl'], launcher: 'vertex' })
    expect(await claimRuns(scene.database, claimer({ labels: ['me'] }))).toEqual([])
    const change = { labels: ['me'], launcher: null, queue: 'slow', priority: 4 }
    const changed = await changeQueued(scene.database, id, change)
    expect(changed).toMatchObject({ labels: ['me'], queue: 'slow', priority: 4 })
    expect(changed?.launcher).toBeUndefined()
    expect(await changeQueued(scene.database, id, { priority: 5 })).toMatchObject({ labels: ['me'], priority: 5 })
    expect(await claimRuns(scene.database, claimer({ labels: ['me'] }))).toHaveLength(1)
    expect(await changeQueued(scene.database, id, { labels: [] })).toBeUndefined()
    await expect(changeQueued(scene.database, id, { queue: 'none' })).rejects.toThrow('there is no queue "none"')
  })
})
