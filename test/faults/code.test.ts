import { appendFileSync, cpSync, mkdtempSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { PROJECT } from '../process.ts'
import { until } from '../until.ts'
import { Scene, sumTo } from './scene.ts'

let root: string
let scene: Scene
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace-code-'))
  cpSync(PROJECT, root, { recursive: true })
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(root, 'node_modules'))
  scene = await Scene.open()
})
afterEach(async () => {
  await scene.close()
  await rm(root, { recursive: true, force: true })
})

const change = (): void => appendFileSync(join(root, 'flows/steps/flow.ts'), '\n// Another version.\n')

it('a worker that finds other code than a run was started with says so, and runs none of it', async () => {
  const driver = scene.driver({ count: 3, ms: 0 })
  await scene.runOf(driver)
  change()
  await scene.worker('stranger', { root })
  const { state, error } = await scene.endOf(driver)
  expect(state).toBe('Failed')
  expect(error).toBe('the code of flow steps here is another than the run was started with')
  expect(scene.steps()).toEqual([])
})

it('a run that is resumed after its code was changed goes on with the new code, and keeps what is done', async () => {
  await scene.worker('one', { root })
  const driver = scene.driver({ count: 40, ms: 20 }, { root })
  const run = await scene.runOf(driver)
  await until(() => scene.steps('end').length >= 10)
  driver.kill()
  await driver.ended
  change()
  await until(async () => !(await scene.states()).Running)
  const done = (await scene.states()).Completed ?? 0
  const again = scene.driver({}, { run, root })
  expect(await scene.endOf(again)).toMatchObject({ state: 'Completed', result: { sum: sumTo(40) } })
  expect(scene.steps('begin').filter(({ attempt }) => attempt === 2)).toHaveLength(40 - done)
})
