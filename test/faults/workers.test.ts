import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { Scene, sumTo } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.open()
})
afterEach(() => scene.close())

describe('a worker that is killed', () => {
  it('has its tasks run elsewhere soon, and nothing is lost', async () => {
    const victim = await scene.worker('victim')
    const driver = scene.driver({ count: 6, ms: 700 })
    await until(() => scene.steps('begin').length >= 1)
    const other = await scene.worker('other')
    await until(() => scene.steps('begin').some(({ pid }) => pid === other.pid))
    const held = scene.steps('begin').findLast(({ pid }) => pid === victim.pid)
    const killed = Date.now()
    victim.kill()
    const again = await until(
      () => scene.steps('begin').find(({ item, pid }) => item === held?.item && pid === other.pid),
      5000,
    )
    // The other worker first ends the step it is at (700 ms); what is found out meanwhile takes no time of its own.
    expect(again.time - killed).toBeLessThan(700 + 1500)
    expect(await scene.endOf(driver)).toMatchObject({ state: 'Completed', result: { sum: sumTo(6) } })
  })

  it('leaves a task to an idle worker within half a second', async () => {
    const victim = await scene.worker('victim')
    const driver = scene.driver({ count: 1, ms: 8000 })
    await until(() => scene.steps('begin').length === 1)
    await scene.worker('other')
    const killed = Date.now()
    victim.kill()
    const again = await until(() => scene.steps('begin')[1], 5000)
    console.info(`the task of a killed worker began elsewhere after ${again.time - killed} ms`)
    expect(again.time - killed).toBeLessThan(2000)
    expect(await scene.endOf(driver)).toMatchObject({ state: 'Completed' })
  })
})

describe('a worker that is stopped past its turn', () => {
  it('cannot overwrite what another did meanwhile, and goes on as a new worker when it wakes', async () => {
    const sleeper = await scene.worker('sleeper')
    const driver = scene.driver({ count: 3, ms: 400 })
    await until(() => scene.steps('begin').length === 1)
    sleeper.kill('SIGSTOP')
    await scene.worker('other')
    const { state, result } = await scene.endOf(driver)
    expect({ state, result }).toMatchObject({ state: 'Completed', result: { sum: sumTo(3), count: 3 } })
    sleeper.kill('SIGCONT')
    const next = scene.driver({ count: 40, ms: 20 })
    expect(await scene.endOf(next)).toMatchObject({ state: 'Completed', result: { sum: sumTo(40) } })
    await until(() => scene.steps('begin').filter(({ pid }) => pid === sleeper.pid).length >= 2)
    expect(await scene.states()).toEqual({ Completed: 43 })
  })
})

describe('a task that kills its worker every time', () => {
  it('is given up after three deaths, names the dead, and takes nobody with it', async () => {
    const names = ['first', 'second', 'third', 'fourth', 'fifth']
    await Promise.all(names.map((name) => scene.worker(name)))
    const driver = scene.driver({ count: 60, ms: 5, poison: true })
    const { state, result } = await scene.endOf(driver)
    expect(state).toBe('Completed')
    expect(result).toMatchObject({ sum: sumTo(60), count: 60 })
    expect(result?.deadly).toMatch(
      /^WorkerDiedError: task poison was given up: 3 workers died while they ran it \(\w+, \w+, \w+\)$/,
    )
    expect(scene.steps('poison')).toHaveLength(3)
  })
})

describe('a worker that is told to end', () => {
  it('finishes what it runs, gives back what it had not begun, and nothing is lost or doubled', async () => {
    const leaving = await scene.worker('leaving')
    const driver = scene.driver({ count: 30, ms: 100 })
    await until(() => scene.steps('begin').length >= 2)
    leaving.kill('SIGTERM')
    await leaving.said(/^stopped/)
    expect(await leaving.ended).toBe(0)
    const begun = scene.steps('begin').length
    expect(scene.steps('end')).toHaveLength(begun)
    await scene.worker('other')
    expect(await scene.endOf(driver)).toMatchObject({ state: 'Completed', result: { sum: sumTo(30) } })
    expect(scene.steps('begin')).toHaveLength(30)
  })

  it('gives back what it runs when its patience is over', async () => {
    const leaving = await scene.worker('leaving', { patience: 200 })
    const driver = scene.driver({ count: 1, ms: 3000 })
    await until(() => scene.steps('begin').length === 1)
    leaving.kill('SIGTERM')
    expect(await leaving.ended).toBe(0)
    await scene.worker('other')
    expect(await scene.endOf(driver)).toMatchObject({ state: 'Completed', result: { count: 1 } })
    const [row] = await scene.database.query<{ deaths: string[] }>('select deaths from task_run')
    expect(row?.deaths).toEqual([])
  })
})

it('a result of 50 MB comes back whole', async () => {
  await scene.worker('one')
  const driver = scene.driver({ count: 1, largeMib: 50 })
  const expected = Array.from({ length: (50 * 2 ** 20) / 4096 }, (_, i) => i % 251).reduce(
    (a, b) => (a + b) % 1_000_003,
    0,
  )
  expect(await scene.endOf(driver)).toMatchObject({
    state: 'Completed',
    result: { bytes: 50 * 2 ** 20, checksum: expected },
  })
})

it('cancelling while 1,000 tasks wait is quick, and none of them begins afterwards', async () => {
  await scene.worker('one')
  const driver = scene.driver({ count: 1000, ms: 200 })
  await until(() => scene.steps('begin').length >= 2)
  const asked = Date.now()
  driver.kill('SIGINT')
  expect(await scene.endOf(driver)).toMatchObject({ state: 'Cancelled' })
  expect(Date.now() - asked).toBeLessThan(3000)
  const begun = scene.steps('begin').length
  const { Pending, Running } = await scene.states()
  expect([Pending, Running]).toEqual([undefined, undefined])
  const after = scene.driver({ count: 1 })
  expect(await scene.endOf(after)).toMatchObject({ state: 'Completed' })
  expect(scene.steps('begin').length).toBeLessThanOrEqual(begun + 1)
})

it('a small run that starts behind a large one does not wait for it', async () => {
  await scene.worker('one')
  const large = scene.driver({ count: 2000, ms: 4 })
  await until(() => scene.steps('begin').length >= 20)
  const small = scene.driver({ count: 10, ms: 4 })
  expect(await scene.endOf(small)).toMatchObject({ state: 'Completed' })
  expect(scene.steps('end').length).toBeLessThan(1500)
  large.kill('SIGINT')
  expect(await scene.endOf(large)).toMatchObject({ state: 'Cancelled' })
})
