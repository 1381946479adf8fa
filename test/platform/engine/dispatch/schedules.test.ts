import {
  claimRuns,
  enqueue,
  fireSchedules,
  PostgresStore,
  putQueue,
  registerDeployments,
  resumeQueue,
  scheduledRun,
  schedules,
} from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { claimer, deployment, openScene, type Scene } from './scene.ts'

describe('schedules', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await openScene()
  })
  beforeEach(() => scene.empty())
  afterAll(() => scene.close())

  const YEARLY = { cron: '0 0 1 1 *', timezone: 'UTC', params: {}, paused: false }
  /** The last New Year, and so many before it. Nobody runs tests at New Year. */
  const yearsAgo = (n: number): number => Date.UTC(new Date().getUTCFullYear() - n, 0, 1)
  const register = (...all: Parameters<typeof deployment>[0][]): Promise<unknown> =>
    registerDeployments(
      scene.database,
      all.map((more) => deployment({ schedule: YEARLY, ...more })),
    )
  /** As if nobody had fired it for so many years. */
  const lag = (years: number): Promise<object[]> =>
    scene.server.query('update schedule set next = to_timestamp($1::float8 / 1000)', [yearsAgo(years)])
  const fire = async (): Promise<(string | undefined)[]> =>
    (await fireSchedules(scene.store)).map(({ deployment: name }) => name)
  const one = async () => (await schedules(scene.database))[0]

  it('that are not due fire nothing, and there may be none', async () => {
    expect(await fire()).toEqual([])
    await register({})
    expect(await fire()).toEqual([])
    expect((await one())?.next).toBe(yearsAgo(-1))
  })

  it('queue a run of the deployment when they are due, their parameters over its own', async () => {
    await putQueue(scene.database, 'nightly', {})
    await register({
      ...{ name: 'hello@x', queue: 'nightly', labels: ['etl'], params: { a: 1, b: 1 }, release: '4' },
      schedule: { ...YEARLY, params: { b: 2 } },
    })
    await lag(0)
    const [run] = await fireSchedules(scene.store)
    expect(run).toMatchObject({
      ...{ state: 'Scheduled', deployment: 'hello@x', queue: 'nightly', labels: ['etl'], params: { a: 1, b: 2 } },
      release: '4',
    })
    expect(run?.name).toMatch(/^hello-\w{6}$/)
    expect(await one()).toMatchObject({ deployment: 'hello@x', next: yearsAgo(-1), last: yearsAgo(0), paused: false })
    expect(await fire()).toEqual([])
  })

  it('that were missed are made up for by one run, of the latest time', async () => {
    await register({ name: 'a' }, { name: 'b' })
    await lag(50)
    expect(await fire()).toEqual(['a', 'b'])
    expect(await one()).toMatchObject({ last: yearsAgo(0), next: yearsAgo(-1) })
    expect(await fire()).toEqual([])
  })

  it('do not pile up runs while an earlier one of theirs waits', async () => {
    await register({ name: 'a' }, { name: 'b' })
    await lag(1)
    await scene.server.query(`update schedule set next = next + interval '1 year' where deployment = 'b'`)
    expect(await fire()).toEqual(['a', 'b'])
    await lag(0)
    await scene.server.query('delete from flow_run where deployment = $1', ['b'])
    const keys = await scene.server.query('update flow_run set key = $1 returning 1', ['schedule earlier'])
    expect(keys).toHaveLength(1)
    expect(await fire()).toEqual(['b'])
    expect((await one())?.message).toMatch(/^the run \w{14} of an earlier time waits still$/)
    await claimRuns(scene.database, claimer())
    await lag(0)
    expect(await fire()).toEqual(['a'])
    expect((await one())?.message).toBeUndefined()
  })

  it('that are paused fire nothing, and make up for nothing afterwards', async () => {
    await register({ schedule: { ...YEARLY, paused: true } })
    expect(await one()).toMatchObject({ paused: true })
    expect((await one())?.next).toBeUndefined()
    expect(await fire()).toEqual([])
    await register({})
    expect(await fire()).toEqual([])
    expect((await one())?.next).toBe(yearsAgo(-1))
  })

  it('are fired by the clock of the database, though that of the machine is two years behind', async () => {
    await register({})
    await lag(0)
    const [last, next] = [yearsAgo(0), yearsAgo(-1)]
    vi.useFakeTimers({ toFake: ['Date'], now: yearsAgo(2) })
    try {
      expect(await fire()).toEqual(['hello'])
      expect(await one()).toMatchObject({ last, next })
    } finally {
      vi.useRealTimers()
    }
  })

  it('make one run of a time, though two processes fire them at the same moment', async () => {
    const names = Array.from({ length: 30 }, (_, i) => ({ name: `f-${i}` }))
    await register(...names)
    await lag(0)
    const stores = await Promise.all([1, 2, 3].map(() => PostgresStore.open(scene.server.url)))
    const fired = await Promise.all(stores.map((store) => fireSchedules(store)))
    expect(fired.flat()).toHaveLength(30)
    expect((await scene.store.listRuns({ limit: 100 })).runs).toHaveLength(30)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('make no second run of a time that was run before: as a backfill, or by a process that was killed then', async () => {
    const record = deployment({ schedule: YEARLY })
    await registerDeployments(scene.database, [record])
    await enqueue(scene.store, [scheduledRun(record, new Date(yearsAgo(0)))])
    await claimRuns(scene.database, claimer())
    await lag(0)
    expect(await fire()).toEqual([])
    expect(await one()).toMatchObject({ last: yearsAgo(0), next: yearsAgo(-1) })
  })

  it('of a full queue say so, and hold up no others', async () => {
    await putQueue(scene.database, 'small', { cap: 1 })
    await register({ name: 'a', queue: 'small' }, { name: 'b', queue: 'small' }, { name: 'c' })
    await lag(0)
    expect((await fire()).toSorted()).toEqual([expect.stringMatching(/a|b/), 'c'])
    const messages = (await schedules(scene.database)).map(({ message }) => message)
    expect(messages.filter((message) => message === 'the queue small was full')).toHaveLength(1)
    await resumeQueue(scene.database, 'small')
  })

  it('go on for more deployments than one transaction takes', async () => {
    await register(...Array.from({ length: 450 }, (_, i) => ({ name: `f-${i}` })))
    await lag(0)
    expect(await fire()).toHaveLength(450)
  })
})
