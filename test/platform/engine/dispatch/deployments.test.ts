import { deployments, findDeployment, queues, registerDeployments, schedules } from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deployment, openScene, type Scene } from './scene.ts'

describe('deployments', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await openScene()
  })
  afterAll(() => scene.close())
  beforeEach(() => registerDeployments(scene.database, []))

  const register = (...all: Parameters<typeof deployment>[0][]): ReturnType<typeof registerDeployments> =>
    registerDeployments(
      scene.database,
      all.map((more) => deployment(more)),
    )
  const schedule = { cron: '0 6 * * *', timezone: 'Europe/Berlin', params: { day: 1 }, paused: false }

  it('are what was registered last, and come back as they were given', async () => {
    const full = deployment({
      name: 'hello@feature-x',
      branch: 'feature-x',
      release: '7',
      commit: 'abc',
      queue: 'nightly',
      labels: ['etl', 'big'],
      launcher: 'vertex',
      params: { names: ['Ada'] },
      timeout: 1000,
      priority: 3,
      schedule,
    })
    expect(await registerDeployments(scene.database, [full])).toMatchObject({ added: ['hello@feature-x'], removed: [] })
    expect(await deployments(scene.database)).toEqual([full])
    expect(await findDeployment(scene.database, 'hello@feature-x')).toEqual(full)
    expect(await findDeployment(scene.database, 'hello')).toBeUndefined()
    expect((await queues(scene.database)).map(({ name }) => name)).toEqual(['default', 'nightly'])
  })

  it('say what was added, changed and taken away', async () => {
    await register({ name: 'a' }, { name: 'b' }, { name: 'c', schedule })
    const changes = await register({ name: 'b', labels: ['etl'] }, { name: 'c', schedule }, { name: 'd' })
    expect(changes).toEqual({ added: ['d'], changed: ['b'], removed: ['a'] })
    expect(await register()).toEqual({ added: [], changed: [], removed: ['b', 'c', 'd'] })
    expect(await deployments(scene.database)).toEqual([])
    expect(await schedules(scene.database)).toEqual([])
  })

  it('write nothing where nothing changed', async () => {
    await register({ name: 'a', schedule }, { name: 'b' })
    const written = (): Promise<object[]> =>
      scene.server.query(`select name, d.xmin::text, d.xmax::text, s.xmin::text as s from deployment d
        left join schedule s on s.deployment = d.name order by name`)
    const before = await written()
    expect(await register({ name: 'b' }, { name: 'a', schedule })).toEqual({ added: [], changed: [], removed: [] })
    expect(await written()).toEqual(before)
  })

  it('are there once, however many processes register them at the same time', async () => {
    const all = Array.from({ length: 20 }, (_, i) => ({ name: `f-${i}`, schedule }))
    const changes = await Promise.all(Array.from({ length: 4 }, () => register(...all)))
    expect(changes.map(({ added }) => added.length).toSorted((a, b) => a - b)).toEqual([0, 0, 0, 20])
  })

  it('keep the next time of a schedule that is not new', async () => {
    const next = async (): Promise<number | undefined> => (await schedules(scene.database))[0]?.next
    await register({ schedule })
    await scene.server.query(`update schedule set next = '2026-01-01'`)
    const kept = Date.parse('2026-01-01T00:00:00Z')
    await register({ schedule: { ...schedule, params: { day: 2 } }, labels: ['x'] })
    expect(await next()).toBe(kept)
    await register({ schedule: { ...schedule, paused: true } })
    expect(await next()).toBeUndefined()
    await register({ schedule })
    expect(await next()).toBeGreaterThan(Date.now() - 60_000)
    await scene.server.query(`update schedule set next = '2026-01-01'`)
    await register({ schedule: { ...schedule, timezone: 'UTC' } })
    expect(await next()).toBeGreaterThan(Date.now() - 60_000)
  })

  it.each([
    [[{ name: 'a' }, { name: 'a' }], 'deployment a: there are two of this name'],
    [[{ name: 'a', queue: 'No Queue' }], 'deployment a: queue: expected the name of a queue'],
    [[{ name: 'a', schedule: { ...schedule, cron: '99 * * * *' } }], 'deployment a: schedule "99 * * * *"'],
  ])('%j are refused, and nothing is changed', async (all, message) => {
    await register({ name: 'before' })
    await expect(register(...all)).rejects.toThrow(message)
    expect((await deployments(scene.database)).map(({ name }) => name)).toEqual(['before'])
  })
})
