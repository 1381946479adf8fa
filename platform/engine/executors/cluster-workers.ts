import type { Database } from '../postgres/database.ts'
import { liveWorkers } from '../postgres/workers.ts'
import { VERSION } from '../version.ts'
import type { ExecutorCall } from './executor.ts'

/** Why calls may be waiting: what the workers that are connected lack. Empty when they lack nothing. */
export async function missingWorkers(database: Database, calls: readonly ExecutorCall[]): Promise<string> {
  const workers = await liveWorkers(database)
  if (workers.length === 0) return 'waiting: no worker is connected; start one with: millrace worker start'
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
