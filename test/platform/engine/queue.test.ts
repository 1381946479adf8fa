import { Database } from '@millrace/engine'
import { expect, it } from 'vitest'
import {
  claim,
  enqueue,
  finish,
  hungryRuns,
  outcomes,
  type QueuedTask,
} from '../../../platform/engine/postgres/queue.ts'
import { VERSION } from '../../../platform/engine/version.ts'
import { createDatabase } from '../../database.ts'

it('reads no table as a whole, though a database that is new has no statistics', async () => {
  const server = await createDatabase()
  // One connection: its counters are then complete when it says so itself.
  const database = await Database.open(server.url, { connections: 1 })
  const [run] = await database.query<{ no: number }>(
    `insert into flow_run (id, flow, name, state, params, env, executor, version)
     values ('r', 'f', 'f', 'Running', '{}', 'dev', 'cluster', '${VERSION}') returning no`,
  )
  const [worker] = await database.query<{ id: number }>(
    `insert into worker (name, host, pid, slots, version) values ('w', 'h', 1, 1, '${VERSION}') returning id`,
  )
  const no = run?.no ?? 0
  const id = worker?.id ?? 0
  // Statements are planned when they are first run: here, as on a new database, on a table with next to nothing in it.
  for (const [first, count] of [
    [0, 10],
    [10, 2000],
  ] as const) {
    await enqueue(
      database,
      no,
      Array.from({ length: count }, (_, i) => queued(first + i)),
    )
    await hungryRuns(database, null)
    const tasks = await claim(database, no, id, [], count)
    const seqs = tasks.map(({ seq }) => seq)
    const ended = { state: 'Completed', result: undefined, failure: undefined, started: 1, ended: 2 } as const
    await finish(
      database,
      no,
      id,
      tasks.map(({ seq, attempt }) => ({ seq, attempt, ...ended })),
    )
    expect(await outcomes(database, no, seqs)).toHaveLength(count)
  }
  await database.query('select pg_stat_force_next_flush()')
  const scans = await database.query(`select relname, seq_tup_read from pg_stat_user_tables where relname = 'task_run'`)
  expect(scans).toEqual([{ relname: 'task_run', seq_tup_read: 0 }])
  await database.close()
  await server.drop()
})

function queued(seq: number): QueuedTask {
  const bytes = new Uint8Array(16).fill(seq % 256)
  return {
    seq,
    key: bytes,
    task: 't',
    attempt: 1,
    priority: 0,
    labels: [],
    args: bytes,
    shared: undefined,
    slot: undefined,
  }
}
