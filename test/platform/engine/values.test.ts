import { existsSync, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRun, driveRun, loadFlow, PostgresStore } from '@millrace/engine'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { endProcesses, PROJECT, startWorker } from '../../process.ts'

let database: TestDatabase
let folder: string
const before = process.env.MILLRACE_STORE
beforeEach(async () => {
  database = await createDatabase()
  folder = mkdtempSync(join(tmpdir(), 'millrace-values-'))
  process.env.MILLRACE_STORE = `file:${folder}/flows/steps`
})
afterEach(async () => {
  if (before === undefined) delete process.env.MILLRACE_STORE
  else process.env.MILLRACE_STORE = before
  await endProcesses()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

it('large values of a run are in the store of its driver, whatever store its workers and readers have', async () => {
  await startWorker({ database: database.url, name: 'other' }, { MILLRACE_STORE: `file:${folder}/elsewhere` })
  await startWorker({ database: database.url, name: 'none' }, { MILLRACE_STORE: '' })
  const store = await PostgresStore.open(database.url)
  const loaded = await loadFlow(PROJECT, 'steps')
  const params = { count: 4, largeMib: 2, file: join(folder, 'steps') }
  const { id } = await createRun({ ...loaded, params, executor: 'cluster', store })
  const driven = await driveRun(id, { ...loaded, store, root: PROJECT })
  expect(driven.result).toMatchObject({ count: 4, bytes: 2 * 2 ** 20 })
  await store.close()
  expect(existsSync(join(folder, 'flows/steps/values'))).toBe(true)
  expect(existsSync(join(folder, 'elsewhere'))).toBe(false)

  delete process.env.MILLRACE_STORE
  const reader = await PostgresStore.open(database.url)
  const [large] = [...(await reader.results(id, [4])).values()]
  expect(large?.byteLength).toBeGreaterThan(2 * 2 ** 20)
  await reader.prune(Date.now() + 1000)
  expect(existsSync(join(folder, 'flows/steps/values/1'))).toBe(false)
  await reader.close()
})
