import type { Database } from '../postgres/database.ts'
import { liveWorkers } from '../postgres/workers.ts'
import { VERSION } from '../version.ts'
import { describePool } from '../worker/pool.ts'
import type { ExecutorCall } from './executor.ts'

/** Why calls of a run may be waiting: what the workers of its pool lack. Empty when they lack nothing. */
export async function missingWorkers(database: Database, run: number, calls: readonly ExecutorCall[]): Promise<string> {
  const pool = await poolOf(database, run)
  const workers = (await liveWorkers(database)).filter((worker) => worker.pool === pool)
  const { workers: wanted, remedy } = describePool(pool)
  if (workers.length === 0) return `waiting: no ${wanted} is connected${remedy}`
  const same = workers.filter(({ version }) => version === VERSION)
  if (same.length === 0) {
    const versions = [...new Set(workers.map(({ version }) => version))].join(', ')
    return `waiting: no worker has the version ${VERSION} of this driver; there are ${versions}`
  }
  const labels = [...new Set(calls.flatMap(({ definition }) => definition.options.labels))]
  const lacking = labels.filter((label) => !same.some((worker) => worker.labels.includes(label)))
  if (lacking.length > 0) return `waiting: none of the ${same.length} workers has the label ${lacking.join(', ')}`
  return ''
}

async function poolOf(database: Database, run: number): Promise<string | null> {
  const [row] = await database.query<{ pool: string | null }>('select pool from flow_run where no = $1', [run])
  return row?.pool ?? null
}
