import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../platform/engine/postgres/embedded.ts'
import { until } from '../until.ts'
import { Scene, sumTo } from './scene.ts'

let dir: string
let server: EmbeddedPostgres
let scene: Scene
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-db-'))
  server = await startEmbeddedPostgres({ dir })
  scene = await Scene.open(server.url)
})
afterEach(async () => {
  await scene.close().catch(() => {})
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

const port = (): number => Number(new URL(server.url).port)

async function restart(signal: NodeJS.Signals): Promise<void> {
  const before = port()
  process.kill(server.pid, signal)
  await until(() => {
    try {
      process.kill(server.pid, 0)
      return false
    } catch {
      return true
    }
  })
  server = await startEmbeddedPostgres({ dir, port: before })
  expect(port()).toBe(before)
}

describe.each([
  ['restarted', 'SIGINT'],
  ['killed and started again', 'SIGKILL'],
] as const)('a database that is %s in the middle of a run', (_how, signal) => {
  it('loses nothing: the run completes, and every task has one result', async () => {
    await Promise.all([scene.worker('one'), scene.worker('two')])
    const driver = scene.driver({ count: 150, ms: 20 })
    await until(() => scene.steps('end').length >= 20)
    await restart(signal)
    expect(await scene.endOf(driver, 40_000)).toMatchObject({
      state: 'Completed',
      result: { sum: sumTo(150), count: 150 },
    })
    expect(await scene.states()).toEqual({ Completed: 150 })
  }, 60_000)
})

it('a database that is gone for good ends the run with one clear line, and the run can be resumed when it is back', async () => {
  await scene.worker('one')
  const driver = scene.driver({ count: 200, ms: 20 }, { patience: 700 })
  const run = await scene.runOf(driver)
  await until(() => scene.steps('end').length >= 10)
  process.kill(server.pid, 'SIGKILL')
  const [, message] = await driver.said(/^failed \w+: (.*)/)
  expect(message).toMatch(/^the database at 127\.0\.0\.1:\d+\/\w+ is away/)
  const before = port()
  server = await startEmbeddedPostgres({ dir, port: before })
  const again = scene.driver({}, { run })
  expect(await scene.endOf(again, 40_000)).toMatchObject({ state: 'Completed', result: { sum: sumTo(200) } })
}, 90_000)
