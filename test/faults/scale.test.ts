import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../until.ts'
import { Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.open()
})
afterEach(() => scene.close())

it('100,000 trivial tasks complete, and the driver needs little memory for them', async () => {
  await Promise.all([scene.worker('one'), scene.worker('two')])
  const driver = scene.driver({ count: 100_000 }, { flow: 'many' })
  const { state, result } = await scene.endOf(driver, 110_000)
  expect({ state, result }).toEqual({ state: 'Completed', result: { sum: 4_999_950_000 } })
  expect(await scene.states()).toEqual({ Completed: 100_000 })
  const [, memory] = await driver.said(/^memory (\d+)/)
  expect(Number(memory)).toBeLessThan(450e6)
}, 120_000)

it('a worker that is given a wrong database says so in one line, and ends', async () => {
  const wrong = new URL(scene.database.url)
  wrong.pathname = '/not-there'
  await expect(scene.worker('lost', { database: wrong.href })).rejects.toThrow(
    /failed: there is no database of that name at 127\.0\.0\.1:\d+\/not-there$/,
  )
})

it('a worker leaves the tasks of a driver of another version alone, and the driver says what it waits for', async () => {
  await scene.worker('one')
  const driver = scene.driver({ count: 300, ms: 20 })
  await driver.said(/^run /)
  await until(() => scene.steps('end').length > 0)
  await scene.database.query(`update flow_run set version = '99'`)
  await scene.database.query(`update worker set version = '98'`)
  await driver.said(/^log engine warn waiting: no worker has the version \S+ of this driver; there are 98$/)
  const begun = scene.steps('begin').length
  driver.kill('SIGINT')
  await scene.endOf(driver)
  expect(scene.steps('begin').length).toBe(begun)
})
