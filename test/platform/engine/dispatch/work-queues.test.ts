import {
  backlog,
  claimRuns,
  clearQueue,
  labelLimits,
  pauseQueue,
  putLabelLimit,
  putQueue,
  queues,
  registerDeployments,
  removeQueue,
  resumeQueue,
} from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { claimer, deployment, found, openScene, queueOne, type Scene } from './scene.ts'

describe('work queues', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await openScene()
  })
  beforeEach(() => scene.empty())
  afterAll(() => scene.close())

  const named = async (name: string) => (await queues(scene.database)).find((queue) => queue.name === name)

  it('are one, named default, in a new database', async () => {
    expect(await queues(scene.database)).toEqual([
      { name: 'default', settings: { priority: 0 }, waiting: 0, launching: 0, running: 0 },
    ])
  })

  it('change only in the settings that are given', async () => {
    const window = { from: '22:00', to: '06:00', timezone: 'UTC' }
    await putQueue(scene.database, 'nightly', { concurrency: 2, cap: 10, window })
    await putQueue(scene.database, 'nightly', { priority: 5, cap: null })
    expect((await named('nightly'))?.settings).toEqual({ concurrency: 2, priority: 5, window })
    await putQueue(scene.database, 'nightly', { concurrency: null, window: null })
    expect((await named('nightly'))?.settings).toEqual({ priority: 5 })
  })

  it.each([
    ['Big', {}, 'queue "Big": its name must be lower-case'],
    ['q', { concurrency: 0 }, 'queue q: concurrency: expected a whole number, 1 or more, got 0'],
    ['q', { cap: -1 }, 'queue q: cap: expected a whole number, 0 or more, got -1'],
    ['q', { priority: 1.5 }, 'queue q: priority: expected a whole number, got 1.5'],
  ])('%s with %j is refused', async (name, settings, message) => {
    await expect(putQueue(scene.database, name, settings)).rejects.toThrow(message)
  })

  it('tell how many runs wait, are launched and run, and how long the oldest waits', async () => {
    await queueOne(scene.store, { notBefore: Date.now() + 3_600_000 })
    const first = await queueOne(scene.store)
    await queueOne(scene.store)
    await scene.server.query(`update flow_run set queued = now() - interval '1 minute' where id = $1`, [first.id])
    expect(await backlog(scene.database)).toEqual([{ queue: 'default', waiting: 2, oldest: expect.any(Number) }])
    const claimed = await claimRuns(scene.database, claimer({ limit: 1 }))
    const lease = await scene.store.takeRun(claimed[0]?.id ?? '')
    await claimRuns(scene.database, claimer({ limit: 1 }))
    expect(await named('default')).toMatchObject({ waiting: 1, launching: 1, running: 1 })
    expect(await backlog(scene.database)).toEqual([])
    await lease.release()
  })

  it('that are paused stay paused as they were, and let runs wait', async () => {
    await queueOne(scene.store)
    await pauseQueue(scene.database, 'default', { by: 'ada', reason: 'the disk is full' })
    await pauseQueue(scene.database, 'default', { by: 'bob', reason: 'too' })
    expect((await named('default'))?.paused).toMatchObject({ by: 'ada', reason: 'the disk is full' })
    expect(await claimRuns(scene.database, claimer())).toEqual([])
    await resumeQueue(scene.database, 'default')
    expect((await named('default'))?.paused).toBeUndefined()
    expect(await claimRuns(scene.database, claimer())).toHaveLength(1)
  })

  it('that are cleared cancel what waits, and nothing else', async () => {
    const going = await queueOne(scene.store)
    await claimRuns(scene.database, claimer())
    const waiting = [await queueOne(scene.store), await queueOne(scene.store)]
    expect(await clearQueue(scene.database, 'default', { by: 'ada' })).toEqual(waiting.map(({ id }) => id))
    expect(await found(scene.store, waiting[0]?.id ?? '')).toMatchObject({
      state: 'Cancelled',
      message: 'the queue default was cleared by ada',
      ended: expect.any(Number),
    })
    expect((await found(scene.store, going.id)).state).toBe('Pending')
    expect(await clearQueue(scene.database, 'default', { by: 'ada' })).toEqual([])
  })

  it('that are not there are said not to be, with the one that was meant', async () => {
    const unknown = 'there is no queue "defalt"; did you mean "default"?'
    const act = { by: 'ada', reason: 'x' }
    await expect(pauseQueue(scene.database, 'defalt', act)).rejects.toThrow(unknown)
    await expect(resumeQueue(scene.database, 'defalt')).rejects.toThrow(unknown)
    await expect(clearQueue(scene.database, 'defalt', act)).rejects.toThrow(unknown)
    await expect(removeQueue(scene.database, 'defalt')).rejects.toThrow(unknown)
    await expect(queueOne(scene.store, { queue: 'defalt' })).rejects.toThrow(unknown)
  })

  it('are removed once nothing uses them', async () => {
    await putQueue(scene.database, 'old', {})
    await registerDeployments(scene.database, [deployment({ queue: 'old' })])
    await expect(removeQueue(scene.database, 'old')).rejects.toThrow('the deployment hello uses it')
    await registerDeployments(scene.database, [])
    const { id } = await queueOne(scene.store, { queue: 'old' })
    await expect(removeQueue(scene.database, 'old')).rejects.toThrow('1 runs wait in it')
    await scene.store.setState(id, 'Cancelled')
    await removeQueue(scene.database, 'old')
    expect(await named('old')).toBeUndefined()
    await expect(removeQueue(scene.database, 'default')).rejects.toThrow('queue default cannot be removed')
  })

  it('have limits of labels beside them, which count over all queues', async () => {
    await putLabelLimit(scene.database, 'gpu', 1)
    await putLabelLimit(scene.database, 'big', 4)
    await putLabelLimit(scene.database, 'gpu', 2)
    await queueOne(scene.store, { labels: ['gpu', 'big'] })
    await claimRuns(scene.database, claimer({ labels: ['gpu', 'big'] }))
    expect(await labelLimits(scene.database)).toEqual([
      { label: 'big', most: 4, going: 1 },
      { label: 'gpu', most: 2, going: 1 },
    ])
    await putLabelLimit(scene.database, 'big', undefined)
    expect(await labelLimits(scene.database)).toHaveLength(1)
    await expect(putLabelLimit(scene.database, 'gpu', 0)).rejects.toThrow('label gpu: limit: expected')
  })
})
