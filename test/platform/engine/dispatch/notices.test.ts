import {
  claimNotices,
  claimRuns,
  crashRun,
  noticeFailed,
  noticeSent,
  putRule,
  removeRule,
  rescheduleRun,
  rules,
  undelivered,
} from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { reap } from '../../../../platform/engine/postgres/reap.ts'
import { claimer, openScene, queueOne, type Scene } from './scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(() => scene.empty())
afterAll(() => scene.close())

const ops = { name: 'ops', to: 'https://example.org/hook' }
const plain = (more: object = {}) =>
  scene.store.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads', ...more })
const told = async (): Promise<string[]> =>
  (await claimNotices(scene.database, 100)).map(({ to, run, state }) => `${to} ${run.flow} ${state}`)
const later = (): Promise<object[]> => scene.server.query(`update notice set due = now() - interval '1 ms'`)

describe('rules', () => {
  it('are kept by name, and replaced and removed by it', async () => {
    const full = { ...ops, states: ['Failed' as const], flows: ['f'], queues: ['q'], labels: ['l'], secret: 'hook-key' }
    await putRule(scene.database, full)
    await putRule(scene.database, { name: 'mail', to: 'mailto:a@example.org' })
    expect(await rules(scene.database)).toEqual([{ name: 'mail', to: 'mailto:a@example.org' }, full])
    await putRule(scene.database, ops)
    expect(await rules(scene.database)).toContainEqual(ops)
    expect(await removeRule(scene.database, 'ops')).toBe(true)
    expect(await removeRule(scene.database, 'ops')).toBe(false)
  })

  it.each([
    [{ flows: ['f'] }, true],
    [{ flows: ['other'] }, false],
    [{ states: ['Failed', 'Crashed'] as const }, true],
    [{ states: ['Completed'] as const }, false],
    [{ queues: ['default'] }, true],
    [{ queues: ['other'] }, false],
    [{ labels: ['etl'] }, true],
    [{ labels: ['etl', 'gpu'] }, false],
    [{ flows: ['f'], labels: ['etl'], states: ['Failed'] as const }, true],
  ])('with %j are for the runs that fit', async (filter, fits) => {
    await putRule(scene.database, { ...ops, ...filter })
    const { id } = await queueOne(scene.store, { flow: 'f', labels: ['etl', 'x'] })
    await scene.store.setState(id, 'Failed', { message: 'no' })
    expect(await told()).toEqual(fits ? ['https://example.org/hook f Failed'] : [])
  })
})

describe('the end of a run', () => {
  beforeEach(() => putRule(scene.database, ops))

  it('is told of once, whoever ends it and however', async () => {
    const byPerson = await queueOne(scene.store, { flow: 'person' })
    await scene.store.setState(byPerson.id, 'Cancelled')
    const byDriver = await plain({ flow: 'driver' })
    const lease = await scene.store.takeRun(byDriver.id)
    await scene.store.setState(byDriver.id, 'Paused')
    await scene.store.setState(byDriver.id, 'Running')
    await scene.store.setState(byDriver.id, 'Completed', { attempt: 1 })
    await lease.release()
    const vanished = await plain({ flow: 'reaper' })
    await (await scene.store.takeRun(vanished.id)).release()
    await expect
      .poll(async () => {
        await reap(scene.database, { lease: 1e9, driverGrace: 0, restartGrace: 0 })
        return (await scene.store.findRun(vanished.id))?.state
      })
      .toBe('Crashed')
    const swept = await queueOne(scene.store, { flow: 'sweeper' })
    await claimRuns(scene.database, claimer())
    await crashRun(scene.database, swept.id, 1, { message: 'gone', state: 'Failed' })
    const hook = 'https://example.org/hook'
    expect(await told()).toEqual([
      `${hook} person Cancelled`,
      `${hook} driver Completed`,
      `${hook} reaper Crashed`,
      `${hook} sweeper Failed`,
    ])
    expect(await told()).toEqual([])
  })

  it('is told to those whom the run names, beside the rules', async () => {
    const callbacks = [{ to: 'mailto:a@x.org', states: ['Failed' as const] }, { to: 'mailto:b@x.org' }]
    const { id } = await queueOne(scene.store, { callbacks })
    await scene.store.setState(id, 'Cancelled', { message: 'why' })
    const notices = await claimNotices(scene.database, 10)
    expect(notices.map(({ to, rule }) => [to, rule])).toEqual([
      ['https://example.org/hook', 'ops'],
      ['mailto:b@x.org', undefined],
    ])
    expect(notices[0]).toMatchObject({ attempt: 1, state: 'Cancelled', run: { id, message: 'why', queue: 'default' } })
  })

  it('is no news while the run is on its way to its next launch', async () => {
    const { id } = await queueOne(scene.store)
    await claimRuns(scene.database, claimer())
    const lease = await scene.store.takeRun(id, undefined, 1)
    await scene.store.setState(id, 'Crashed', { attempt: 1, message: 'told to go' })
    await lease.release()
    expect(await told()).toEqual([])
    await rescheduleRun(scene.database, id, 1, { message: 'preempted', most: 1 })
    await later()
    expect(await told()).toEqual([])
    await claimRuns(scene.database, claimer())
    await (await scene.store.takeRun(id, undefined, 2)).release()
    await scene.store.setState(id, 'Crashed', { attempt: 2, message: 'told to go' })
    await rescheduleRun(scene.database, id, 2, { message: 'preempted', most: 1 })
    expect(await told()).toEqual(['https://example.org/hook hello Crashed'])
  })

  it('is told at once where it is known that the run crashed for good', async () => {
    const { id } = await queueOne(scene.store)
    await claimRuns(scene.database, claimer())
    await crashRun(scene.database, id, 1, { message: 'out of memory' })
    expect(await told()).toEqual(['https://example.org/hook hello Crashed'])
  })
})

describe('a notice', () => {
  const one = async () => {
    const [notice] = await claimNotices(scene.database, 1)
    if (!notice) throw new Error('there is no notice')
    return notice
  }
  beforeEach(async () => {
    await putRule(scene.database, { ...ops, secret: 'hook-key' })
    await scene.store.setState((await plain()).id, 'Failed')
  })

  it('is claimed by one at a time, and again where nobody says how it went', async () => {
    const both = await Promise.all([1, 2].map(() => claimNotices(scene.database, 5)))
    expect(both.flat()).toHaveLength(1)
    await later()
    await scene.database.transaction(async (query) => {
      await query('select 1 from notice for update')
      // Another process is claiming it right now.
      expect(await claimNotices(scene.database, 5)).toEqual([])
    })
    await later()
    expect(await one()).toMatchObject({ attempt: 2, secret: 'hook-key' })
  })

  it('that was sent is over', async () => {
    await noticeSent(scene.database, (await one()).id)
    await later()
    expect(await claimNotices(scene.database, 5)).toEqual([])
    expect(await undelivered(scene.database)).toEqual([])
  })

  it('that failed is tried again later, and is given up when that is too late', async () => {
    await noticeFailed(scene.database, (await one()).id, 'answered 503', 60_000)
    expect(await claimNotices(scene.database, 5)).toEqual([])
    expect(await undelivered(scene.database)).toMatchObject([{ error: 'answered 503', due: expect.any(Number) }])
    await later()
    await scene.server.query(`update notice set created = now() - interval '23 hours 59 minutes 30 seconds'`)
    await noticeFailed(scene.database, (await one()).id, 'answered 500', 60_000)
    await later()
    expect(await claimNotices(scene.database, 5)).toEqual([])
    const [given] = await undelivered(scene.database)
    expect(given).toMatchObject({ error: 'answered 500', attempt: 2 })
    expect(given).not.toHaveProperty('due')
  })

  it('may be given up at once', async () => {
    await noticeFailed(scene.database, (await one()).id, 'answered 410: it is gone', 0, 0)
    await later()
    expect(await claimNotices(scene.database, 5)).toEqual([])
  })
})
