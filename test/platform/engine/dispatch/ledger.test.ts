import {
  claimRuns,
  crashRun,
  databaseTime,
  driveRun,
  endLaunch,
  giveBack,
  knownRuns,
  lastLaunch,
  launched,
  launches,
  type OpenLaunch,
  registerDeployments,
  rescheduleRun,
  retryRun,
} from '@millrace/engine'
import { flow } from '@millrace/sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { PROJECT } from '../../../process.ts'
import { until } from '../../../until.ts'
import { claimer, deployment, found, openScene, queueOne, type Scene } from './scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(() => scene.empty())
afterAll(() => scene.close())

/** A run that was queued and claimed. */
async function claimed(more: Parameters<typeof queueOne>[1] = {}): Promise<string> {
  const { id } = await queueOne(scene.store, more)
  await claimRuns(scene.database, claimer())
  return id
}

const open = (): Promise<OpenLaunch[]> => launches(scene.database, 'process', { restartGrace: 0 })
const stateOf = async (id: string): Promise<string> => (await found(scene.store, id)).state

describe('the ledger', () => {
  it('has a launch from its claim until nothing is left of its job', async () => {
    const id = await claimed()
    expect((await open())[0]).not.toHaveProperty('handle')
    const deadline = (await databaseTime(scene.database)) + 60_000
    expect(await launched(scene.database, id, 1, { handle: 'job-1', deadline })).toBe(true)
    const [row] = await open()
    expect(row).toMatchObject({ run: id, launch: 1, handle: 'job-1', isAgentAlive: false, isDriverAlive: false })
    expect(row?.lateBy).toBeLessThan(0)
    expect(row?.openFor).toBeGreaterThanOrEqual(row?.launchedFor ?? Number.POSITIVE_INFINITY)
    await endLaunch(scene.database, id, 1, { reason: 'exit' })
    expect(await open()).toEqual([])
    const last = await lastLaunch(scene.database, id)
    expect(last).toMatchObject({ run: id, handle: 'job-1', reason: 'exit', ended: expect.any(Number) })
    expect(await launched(scene.database, id, 1, { handle: 'late' })).toBe(false)
    expect(await launched(scene.database, id, 2, { handle: 'none' })).toBe(false)
  })

  it('sees that nobody works for a run any more, and the next launch is of the image that its deployment has now', async () => {
    const job = {
      bundles: 'file:/b',
      driver: {},
      workers: { count: 0 },
      secretVersions: {},
      cluster: 'big',
      image: 'flow@sha256:old',
    }
    const id = await claimed({ deployment: 'hello', executor: 'cluster', job })
    const stranded = async (): Promise<boolean | undefined> => (await open())[0]?.isStranded
    await scene.server.query(`update flow_run set state = 'Running', version = 'old' where id = $1`, [id])
    const worker = (version: string, state: string): Promise<unknown> =>
      scene.server.query(
        `insert into worker (name, host, pid, slots, version, state, pool) values ('w', 'h', 1, 1, $1, $2, 'cluster:big')`,
        [version, state],
      )
    await worker('old', 'draining')
    await worker('new', 'alive')
    // The last of its version finishes what it holds.
    expect(await stranded()).toBe(false)
    await scene.server.query(`update worker set state = 'stopped' where version = 'old'`)
    // With nothing else to launch it from, it waits for workers of its version.
    expect(await stranded()).toBe(false)
    await registerDeployments(scene.database, [deployment({ job: { ...job, image: 'flow@sha256:new' } })])
    expect(await stranded()).toBe(true)
    await rescheduleRun(scene.database, id, 1, { message: 'its driver was told to go', most: 3 })
    const [again] = await claimRuns(scene.database, claimer())
    expect(again).toMatchObject({
      id,
      launch: 2,
      job: { image: 'flow@sha256:new', cluster: 'big', bundles: 'file:/b' },
    })
    await scene.server.query(`delete from worker`)
  })

  it('takes the time-out of a run as its deadline, from when its driver took it up', async () => {
    const id = await claimed({ timeout: 3_600_000 })
    expect((await open())[0]?.lateBy).toBeUndefined()
    const lease = await scene.store.takeRun(id, undefined, 1)
    const [row] = await open()
    expect(row).toMatchObject({ isDriverAlive: true, deadline: (lease.run.started ?? 0) + 3_600_000 })
    await scene.server.query(`update flow_run set started = now() - interval '2 hours'`)
    expect((await open())[0]?.lateBy).toBeGreaterThan(3_000_000)
    await lease.release()
  })

  it('knows which runs are of this database', async () => {
    const { id } = await queueOne(scene.store)
    expect(await knownRuns(scene.database, [id, 'other'])).toEqual(new Set([id]))
    expect(await lastLaunch(scene.database, id)).toBeUndefined()
  })

  it('goes with its run when that is pruned, and notices with it', async () => {
    const id = await claimed({ callbacks: [{ to: 'mailto:a@example.org' }] })
    await scene.store.setState(id, 'Cancelled')
    await scene.store.prune(Date.now() + 60_000)
    for (const table of ['flow_run', 'ledger', 'notice']) {
      expect(await scene.server.query(`select count(*)::int as n from ${table}`), table).toEqual([{ n: 0 }])
    }
  })
})

describe('a job that is over', () => {
  it('ends its run with the reason and its last lines', async () => {
    const id = await claimed()
    const end = { message: 'its job ran out of memory', reason: 'out-of-memory', lines: ['one', 'two\0'] }
    expect(await crashRun(scene.database, id, 1, end)).toBe(true)
    const run = await found(scene.store, id)
    expect(run).toMatchObject({ state: 'Crashed', message: 'its job ran out of memory', ended: expect.any(Number) })
    expect(await scene.store.logs(id)).toMatchObject([
      { source: 'job', level: 'info', message: 'one' },
      { source: 'job', message: 'two\\0' },
    ])
    expect(await open()).toMatchObject([{ reason: 'out-of-memory', isOver: true }])
    expect(await crashRun(scene.database, id, 1, { message: 'again', lines: ['three'] })).toBe(false)
    expect(await scene.store.logs(id)).toHaveLength(2)
  })

  it('says why, of a run whose driver was found gone before', async () => {
    const id = await claimed()
    const lease = await scene.store.takeRun(id, undefined, 1)
    await scene.store.setState(id, 'Crashed', { message: 'the driver vanished' })
    await lease.release()
    expect(await crashRun(scene.database, id, 1, { message: 'killed', state: 'Failed' })).toBe(true)
    expect(await found(scene.store, id)).toMatchObject({ state: 'Crashed', message: 'killed' })
  })

  it('leaves a run Cancelled that was being cancelled, and its tasks with it', async () => {
    const id = await claimed()
    const lease = await scene.store.takeRun(id, undefined, 1)
    const task = { seq: 0, key: new Uint8Array(16), task: 't', attempt: 1, created: 0, started: 0, ended: undefined }
    await scene.store.recordTasks(id, [{ ...task, state: 'Running', result: undefined, failure: undefined }])
    await scene.store.setState(id, 'Cancelling')
    expect(await crashRun(scene.database, id, 1, { message: 'it was stopped' })).toBe(true)
    expect(await stateOf(id)).toBe('Cancelled')
    expect(await scene.store.taskCounts(id)).toEqual({ t: { Cancelled: 1 } })
    await lease.release()
  })

  it('changes nothing of a run that has ended, was put back, or was launched again', async () => {
    const done = await claimed()
    const lease = await scene.store.takeRun(done, undefined, 1)
    await scene.store.setState(done, 'Completed', { attempt: 1 })
    await lease.release()
    const back = await claimed()
    await rescheduleRun(scene.database, back, 1, { message: 'preempted', most: 3 })
    expect(await crashRun(scene.database, done, 1, { message: 'x' })).toBe(false)
    expect(await crashRun(scene.database, back, 1, { message: 'x' })).toBe(false)
    await claimRuns(scene.database, claimer())
    expect(await crashRun(scene.database, back, 1, { message: 'x' })).toBe(false)
    expect([await stateOf(done), await stateOf(back)]).toEqual(['Completed', 'Pending'])
  })
})

describe('a launch that is still open when its run was queued again by hand', () => {
  it('has no say in the next one', async () => {
    const id = await claimed()
    await scene.store.setState(id, 'Cancelled')
    await retryRun(scene.store, id, { by: 'ada' })
    expect(await open()).toMatchObject([{ launch: 1, isCurrent: false, isOver: false }])
    await claimRuns(scene.database, claimer())
    expect(await crashRun(scene.database, id, 1, { message: 'it was stopped' })).toBe(false)
    expect(await rescheduleRun(scene.database, id, 1, { message: 'x', most: 9 })).toBeUndefined()
    expect(await giveBack(scene.database, id, 1, { message: 'x' })).toBe(false)
    expect(await found(scene.store, id)).toMatchObject({ state: 'Pending', launch: 2 })
    await endLaunch(scene.database, id, 1)
    expect(await open()).toMatchObject([{ launch: 2, isCurrent: true }])
  })

  it('lets no driver of its own take up the run that waits', async () => {
    const id = await claimed()
    await scene.store.setState(id, 'Cancelled')
    await retryRun(scene.store, id, { by: 'ada' })
    await expect(scene.store.takeRun(id, undefined, 1)).rejects.toThrow('it is left alone')
    expect(await crashRun(scene.database, id, 1, { message: 'it was stopped' })).toBe(false)
    expect(await stateOf(id)).toBe('Scheduled')
  })
})

describe('a run whose machine was taken away', () => {
  it('goes back into its queue so often, and then is Crashed and says so', async () => {
    const id = await claimed()
    const again = (launch: number) => rescheduleRun(scene.database, id, launch, { message: 'preempted', most: 2 })
    const lease = await scene.store.takeRun(id, undefined, 1)
    await scene.store.setState(id, 'Crashed', { attempt: 1, message: 'told to go' })
    await lease.release()
    expect(await again(1)).toBe('Scheduled')
    expect(await again(1)).toBeUndefined()
    expect(await found(scene.store, id)).not.toHaveProperty('ended')
    await claimRuns(scene.database, claimer())
    expect(await again(2)).toBe('Scheduled')
    await claimRuns(scene.database, claimer())
    expect(await again(3)).toBe('Crashed')
    expect(await found(scene.store, id)).toMatchObject({
      state: 'Crashed',
      launch: 3,
      message: 'preempted; it was launched again 2 times already, and is given up',
    })
    expect(await open()).toEqual([])
  })

  it('is not launched again when it was being cancelled, or is over otherwise', async () => {
    const id = await claimed()
    await scene.store.setState(id, 'Cancelling')
    expect(await rescheduleRun(scene.database, id, 1, { message: 'x', most: 9 })).toBeUndefined()
    await scene.store.setState(id, 'Cancelled')
    expect(await rescheduleRun(scene.database, id, 1, { message: 'x', most: 9 })).toBeUndefined()
  })
})

describe('a driver of an old launch', () => {
  it('that starts late is refused, and the new one is not', async () => {
    const id = await claimed()
    await rescheduleRun(scene.database, id, 1, { message: 'preempted', most: 9 })
    await expect(scene.store.takeRun(id, undefined, 1)).rejects.toThrow(
      `run ${id} is not for launch 1 any more (it was put back into its queue): it is left alone`,
    )
    await claimRuns(scene.database, claimer())
    await expect(scene.store.takeRun(id, undefined, 1)).rejects.toThrow('(it is at launch 2)')
    const lease = await scene.store.takeRun(id, undefined, 2)
    expect(lease.run).toMatchObject({ state: 'Running', launch: 2, attempt: 1 })
    await lease.release()
  })

  it('cannot end a run that waits for its next launch, nor take it up again', async () => {
    const id = await claimed()
    const lease = await scene.store.takeRun(id, undefined, 1)
    await rescheduleRun(scene.database, id, 1, { message: 'its machine vanished', most: 9 })
    for (const state of ['Failed', 'Crashed', 'Completed', 'Cancelling'] as const) {
      expect(await scene.store.setState(id, state, { attempt: 1 })).toBeUndefined()
    }
    await scene.server.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1`, [
      `millrace driver ${id}`,
    ])
    await until(() => lease.lost.aborted)
    expect(await stateOf(id)).toBe('Scheduled')
    await lease.release()
  })

  it('that still has its connection stops, and the next takes over', async () => {
    const began = Promise.withResolvers<void>()
    const waits = flow(
      { name: 'waits', params: z.object({}), owner: 'us', contact: 'us', sources: [], sinks: [] },
      () => {
        began.resolve()
        return new Promise<void>(() => {})
      },
    )
    const id = await claimed({ flow: 'waits', executor: 'inline' })
    const old = driveRun(id, { flow: waits, store: scene.store, root: PROJECT, launch: 1 }).catch(
      (error: Error) => error,
    )
    await began.promise
    await rescheduleRun(scene.database, id, 1, { message: 'preempted', most: 9 })
    await claimRuns(scene.database, claimer())
    const next = await scene.store.takeRun(id, undefined, 2)
    expect(await old).toMatchObject({ message: expect.stringContaining('was taken from its driver') })
    expect(await found(scene.store, id)).toMatchObject({ state: 'Running', launch: 2, attempt: 2 })
    await next.release()
  })
})

describe('a driver that an agent launched', () => {
  it('names the run as its flow does, and keeps what that returned', async () => {
    const greets = flow(
      {
        name: 'greets',
        params: z.object({ who: z.string() }),
        runName: ({ who }) => `greets_${who}`,
        ...{ owner: 'us', contact: 'us', sources: [], sinks: [] },
      },
      async ({ who }) => ({ text: `Hello, ${who}!`, at: new Date(0) }),
    )
    const params = { who: 'Ada' }
    const id = await claimed({ flow: 'greets', executor: 'inline', params })
    const given = await claimed({ flow: 'greets', executor: 'inline', params, name: 'mine' })
    for (const run of [id, given]) await driveRun(run, { flow: greets, store: scene.store, root: PROJECT, launch: 1 })
    expect(await found(scene.store, id)).toMatchObject({ state: 'Completed', name: 'greets_Ada', launch: 1 })
    expect((await found(scene.store, given)).name).toBe('mine')
    expect(await scene.store.runResult(id)).toEqual({ text: 'Hello, Ada!', at: new Date(0) })
  })
})
