import type { Database } from './database.ts'
import { reap } from './queue.ts'

/** Bounds of what counts as dead, in milliseconds. */
export interface ReaperOptions {
  /** How often to look. @default 150 */
  every?: number
  /** A worker not heard of for so long is taken for stalled, though its connection stands. @default 12000 */
  lease?: number
  /** A run whose driver is gone for so long is Crashed. @default 3000 */
  driverGrace?: number
  /** After a restart of the database nobody is taken for dead for so long. @default 5000 */
  restartGrace?: number
}

/** How often a worker reports itself, as a share of the lease. */
export const DEFAULT_LEASE = 12_000

/**
 * Looks for dead workers and drivers until it is told to stop. Every driver and worker does it; the database lets
 * one at a time.
 */
export function startReaper(
  database: Database,
  onDead: (worker: string) => void,
  options: ReaperOptions = {},
): () => void {
  const { every = 150, lease = DEFAULT_LEASE, driverGrace = 3000, restartGrace = 5000 } = options
  let busy = false
  const timer = setInterval(async () => {
    if (busy) return
    busy = true
    try {
      for (const worker of await reap(database, { lease, driverGrace, restartGrace })) onDead(worker)
    } catch {
      // The database is away; whoever needs it says so.
    } finally {
      busy = false
    }
  }, every)
  timer.unref()
  return () => clearInterval(timer)
}
