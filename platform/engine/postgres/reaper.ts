import type { Database } from './database.ts'
import { reap } from './reap.ts'

/** Bounds of what counts as dead, in milliseconds. */
export interface ReaperOptions {
  /** How often to look. @default 150 */
  every?: number
  /** A worker not heard of for so long is taken for stalled, though its connection stands. @default 12000 */
  lease?: number
  /** A run whose driver is gone for so long is Crashed. @default 3000 */
  driverGrace?: number
  /**
   * When the database was restarted, everybody's locks are gone: nobody is taken for dead until it has been up for so
   * long, nor by a process one of whose connections broke since. @default 5000
   */
  restartGrace?: number
}

/** How long (ms) a worker may be silent; it reports itself several times as often. */
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
    if (busy || database.unbroken < restartGrace) return
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
