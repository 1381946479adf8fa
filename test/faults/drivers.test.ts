import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { Scene, sumTo } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.open()
})
afterEach(() => scene.close())

describe.each(['cluster', 'threads'])('a driver that is killed (%s)', (executor) => {
  it('and started again runs no finished task a second time', async () => {
    if (executor === 'cluster') await scene.worker('one')
    const killed = scene.driver({ count: 60, ms: 20 }, { executor })
    const run = await scene.runOf(killed)
    await until(() => scene.steps('end').length >= 20)
    killed.kill()
    await killed.ended
    await until(async () => {
      const rows = await scene.database.query<{ n: number }>(
        `select count(*)::int as n from task_run where state = 'Running'`,
      )
      return executor === 'threads' || rows[0]?.n === 0
    })
    const finished = await scene.database.query<{ seq: number }>(`select seq from task_run where state = 'Completed'`)
    expect(finished.length).toBeGreaterThanOrEqual(19)
    const before = scene.steps('end')
    const again = scene.driver({}, { run, executor })
    expect(await scene.endOf(again)).toMatchObject({ state: 'Completed', result: { sum: sumTo(60), count: 60 } })
    const second = scene
      .steps('begin')
      .filter(({ attempt }) => attempt === 2)
      .map(({ item }) => item)
    // Only what was finished but not yet written down when the driver died may run again: at most one a slot.
    const twice = second.filter((item) => before.some((step) => step.item === item))
    expect(twice.length).toBeLessThanOrEqual(2)
    expect(second.filter((item) => finished.some(({ seq }) => seq === item))).toEqual([])
  })
})

it('a run whose driver vanished is Crashed, and says how to go on', async () => {
  await scene.worker('one')
  const driver = scene.driver({ count: 100, ms: 50 })
  const run = await scene.runOf(driver)
  await until(() => scene.steps('begin').length >= 1)
  driver.kill()
  const row = await until(async () => {
    const [found] = await scene.database.query<{ state: string; message: string }>(
      'select state, message from flow_run',
    )
    return found?.state === 'Crashed' ? found : undefined
  })
  expect(row.message).toMatch(new RegExp(`the driver \\S+ vanished; go on with: millrace resume ${run}`))
  const begun = scene.steps('begin').length
  await new Promise((resolve) => setTimeout(resolve, 400))
  expect(scene.steps('begin').length).toBeLessThanOrEqual(begun + 1)
})

it('two drivers cannot have the same run; when the first is gone, another can', async () => {
  await scene.worker('one')
  const first = scene.driver({ count: 40, ms: 500 })
  const run = await scene.runOf(first)
  await until(() => scene.steps('begin').length >= 1)
  const second = scene.driver({}, { run })
  const [, message] = await second.said(/^failed UserError: (.*)/)
  expect(message).toMatch(/already driven by/)
  const begun = scene.steps('begin').length
  await until(() => scene.steps('begin').length > begun)
  first.kill()
  await first.ended
  const third = scene.driver({}, { run })
  await third.said(/^run /)
  await until(() => scene.steps('begin').some(({ attempt }) => attempt === 2))
  third.kill('SIGINT')
  expect(await scene.endOf(third)).toMatchObject({ state: 'Cancelled' })
})
