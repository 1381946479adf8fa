import { agents, claimRuns, Database, launches, registerAgent, withTurn } from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../until.ts'
import { claimer, openScene, queueOne, type Scene } from './scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(() => scene.empty())
afterAll(() => scene.close())

const AGENT = {
  name: 'a',
  launcher: 'docker',
  place: 'docker here',
  labels: ['etl'],
  exclusive: true,
  limit: 4,
  stack: 'dev',
} as const

/** Ends the connections of that name, as a network does. */
const cut = (name: string): Promise<object[]> =>
  scene.server.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = $1', [name])

describe('an agent', () => {
  it('is shown with what it takes and how it is, until it says goodbye and after', async () => {
    const agent = await registerAgent(scene.database, AGENT)
    expect(await agents(scene.database)).toMatchObject([
      { ...AGENT, id: agent.id, pid: process.pid, state: 'alive', isAlive: true, going: 0 },
    ])
    agent.set({ state: 'draining', going: 2 })
    agent.set({ going: 1 })
    await until(async () => (await agents(scene.database))[0]?.going === 1)
    expect(await agents(scene.database)).toMatchObject([{ state: 'draining', isAlive: true }])
    await agent.close()
    agent.set({ state: 'alive' })
    expect(await agents(scene.database)).toMatchObject([{ state: 'stopped', isAlive: false, going: 0 }])
  })

  it('that ends without a word has vanished, and what it claimed says so', async () => {
    const own = await Database.open(scene.server.url)
    const agent = await registerAgent(own, AGENT)
    await queueOne(scene.store)
    await claimRuns(scene.database, claimer({ agent: agent.id, launcher: 'docker' }))
    const open = (restartGrace = 0) => launches(scene.database, 'docker here', { restartGrace })
    expect(await open()).toMatchObject([{ agent: agent.id, agentName: 'a', isAgentAlive: true, launcher: 'docker' }])
    await own.close()
    await until(async () => !(await agents(scene.database))[0]?.isAlive)
    expect(await agents(scene.database)).toMatchObject([{ state: 'vanished' }])
    expect(await open()).toMatchObject([{ isAgentAlive: false }])
    // Right after a restart of the database, nobody has had the time to come back.
    const ages = 1_000_000_000
    expect(await open(ages)).toMatchObject([{ isAgentAlive: true, isDriverAlive: false }])
    await scene.server.query('update agent set ended = now()')
    expect(await open(ages)).toMatchObject([{ isAgentAlive: false }])
  })

  it('whose connection breaks is alive again when it is back, and looks for news', async () => {
    const heard: unknown[] = []
    const agent = await registerAgent(scene.database, { ...AGENT, onNews: (over) => heard.push(over) })
    await cut('millrace agent a')
    await until(() => heard.length > 0)
    expect(await agents(scene.database)).toMatchObject([{ isAlive: true, state: 'alive' }])
    expect(agent.lost.aborted).toBe(false)
    await agent.close()
  })
})

describe('a turn', () => {
  it('is one process’s at a time, by its name', async () => {
    const other = await Database.open(scene.server.url)
    const end = Promise.withResolvers<string>()
    const began = Promise.withResolvers<void>()
    const first = withTurn(scene.database, 'sweep', () => {
      began.resolve()
      return end.promise
    })
    await began.promise
    expect(await withTurn(other, 'sweep', async () => 'mine')).toBeUndefined()
    expect(await withTurn(other, 'notices', async () => 'mine')).toBe('mine')
    end.resolve('done')
    expect(await first).toBe('done')
    expect(await until(() => withTurn(other, 'sweep', async () => 'mine'))).toBe('mine')
    await other.close()
  })

  it('is free again when what was done in it went wrong', async () => {
    const failing = withTurn(scene.database, 'sweep', () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    expect(await until(() => withTurn(scene.database, 'sweep', async () => 'mine'))).toBe('mine')
  })

  it('whose connection breaks is told to stop', async () => {
    const reason = await withTurn(scene.database, 'sweep', async (signal) => {
      await cut('millrace turn sweep')
      await until(() => signal.aborted)
      return String(signal.reason)
    })
    expect(reason).toContain('the connection that held the turn "sweep" broke')
  })
})
