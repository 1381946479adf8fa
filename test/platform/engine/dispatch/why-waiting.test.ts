import {
  type AgentRegistration,
  changeQueued,
  claimRuns,
  type NewAgent,
  pauseDispatch,
  pauseQueue,
  putLabelLimit,
  putQueue,
  registerAgent,
  whyWaiting,
} from '@millrace/engine'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../until.ts'
import { claimer, openScene, queueOne, type Scene } from './scene.ts'

describe('a run waits', () => {
  let scene: Scene
  let up: AgentRegistration[] = []
  beforeAll(async () => {
    scene = await openScene()
  })
  beforeEach(() => scene.empty())
  afterEach(async () => {
    await Promise.all(up.map((agent) => agent.close()))
    up = []
  })
  afterAll(() => scene.close())

  const start = async (more: Partial<NewAgent> = {}): Promise<AgentRegistration> => {
    const agent = {
      name: 'a',
      launcher: 'process',
      place: 'here',
      labels: [],
      exclusive: false,
      limit: 1,
      stack: 'dev',
    }
    up.push(await registerAgent(scene.database, { ...agent, ...more }))
    return up.at(-1) as AgentRegistration
  }
  const why = (id: string): Promise<string | undefined> => whyWaiting(scene.database, id)

  it('for no reason when an agent can take it, and not at all when it is over', async () => {
    await start()
    const { id } = await queueOne(scene.store)
    expect(await why(id)).toBeUndefined()
    await scene.store.setState(id, 'Cancelled')
    await pauseQueue(scene.database, 'default', { by: 'ada', reason: 'x' })
    expect(await why(id)).toBeUndefined()
    expect(await why('nosuch')).toBeUndefined()
  })

  it('for an agent: any, one of its launcher, one with its labels, one that has room', async () => {
    const { id } = await queueOne(scene.store, { labels: ['gpu', 'etl'], launcher: 'vertex' })
    expect(await why(id)).toBe('no agent is up; start one: millrace agent start')
    await start({ labels: ['gpu', 'etl'] })
    expect(await why(id)).toBe('no agent with the launcher vertex is up')
    await start({ launcher: 'vertex', labels: ['etl'] })
    expect(await why(id)).toBe('no agent with the launcher vertex has the label gpu')
    await start({ launcher: 'vertex', labels: ['gpu'] })
    expect(await why(id)).toBe('no agent with the launcher vertex has all of the labels gpu, etl')
    const fit = await start({ launcher: 'vertex', labels: ['gpu', 'etl', 'x'], limit: 3 })
    expect(await why(id)).toBeUndefined()
    fit.set({ going: 3 })
    const full = 'every agent that may take it has as many runs as it takes at once (3)'
    await until(async () => (await why(id)) === full)
    fit.set({ state: 'draining' })
    await until(async () => (await why(id)) === 'every agent that may take it is about to stop')
    await changeQueued(scene.database, id, { launcher: null, labels: [] })
    expect(await why(id)).toBeUndefined()
  })

  it('for an agent that takes runs without labels', async () => {
    await start({ labels: ['me'], exclusive: true })
    const { id } = await queueOne(scene.store)
    expect(await why(id)).toBe('every agent that is up takes only runs that ask for one of its labels')
  })

  it('for its queue, its time, and its turn', async () => {
    await start({ limit: 9, labels: ['gpu'] })
    await putLabelLimit(scene.database, 'gpu', 1)
    await putQueue(scene.database, 'q', { concurrency: 1 })
    await queueOne(scene.store, { labels: ['gpu'] })
    await queueOne(scene.store, { queue: 'q' })
    await claimRuns(scene.database, claimer({ labels: ['gpu'] }))
    const gpu = await queueOne(scene.store, { labels: ['gpu'] })
    const { id } = await queueOne(scene.store, { queue: 'q', deployment: 'd' })
    expect(await why(gpu.id)).toBe('1 run with the label gpu may go at once, and do')
    expect(await why(id)).toBe('the queue q lets 1 run go at once, and has as many')
    // Days of the week that are neither today nor the days around it, wherever the clock of this machine stands.
    const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] as const
    const day = days[(new Date().getUTCDay() + 3) % 7] ?? 'MON'
    await putQueue(scene.database, 'q', {
      window: { from: '22:00', to: '06:00', timezone: 'Europe/Berlin', days: [day] },
    })
    expect(await why(id)).toMatch(/^the window of the queue q opens at \d{4}-\d\d-\d\d 22:00 Europe\/Berlin$/)
    const later = await queueOne(scene.store, { notBefore: Date.parse('2100-01-01T06:00:00Z') })
    expect(await why(later.id)).toBe('it is not to begin before 2100-01-01 06:00 UTC')
    await pauseQueue(scene.database, 'q', { by: 'ada', reason: 'the disk is full' })
    expect(await why(id)).toBe('the queue q was paused by ada: the disk is full')
    await pauseDispatch(scene.database, { by: 'bob', reason: 'broken', deployments: ['d'] })
    expect(await why(id)).toBe('the deployment d was paused by bob: broken')
    await pauseDispatch(scene.database, { by: 'up', reason: 'release 7' })
    expect(await why(gpu.id)).toBe('dispatch was paused by up: release 7')
  })
})
