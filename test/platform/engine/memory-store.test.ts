import { memoryStore } from '@millrace/engine'
import { describe, expect, it } from 'vitest'
import { runStoreConformance } from './run-stores.conformance.ts'

describe('the memory store', () => {
  runStoreConformance(async () => {
    const store = memoryStore()
    return { store, close: () => store.close() }
  })

  it('keeps a bounded part of a run without end, and right counts of all of it', async () => {
    const store = memoryStore({ resultBytes: 1000, taskRuns: 100, logLines: 50 })
    const { id } = await store.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads' })
    const facts = { key: new Uint8Array(), task: 't', attempt: 1, created: 0, started: 0, ended: 0, failure: undefined }
    for (let seq = 0; seq < 5000; seq++) {
      await store.recordTasks(id, [{ ...facts, seq, state: 'Completed', result: new Uint8Array(100) }])
      await store.appendLogs(id, [{ time: 0, level: 'info', message: String(seq), source: 'flow' }])
    }
    expect(await store.taskCounts(id)).toEqual({ t: { Completed: 5000 } })
    expect((await store.taskRuns(id, { limit: 10_000 })).length).toBe(100)
    expect(
      (
        await store.results(
          id,
          Array.from({ length: 5000 }, (_, i) => i),
        )
      ).size,
    ).toBe(10)
    expect((await store.logs(id)).map(({ message }) => message).slice(-2)).toEqual(['4998', '4999'])
  })
})
