import type { Database } from './database.ts'
import { CHANNEL } from './locks.ts'

/** A worker as `millrace cluster status` shows it. Times are milliseconds since the epoch. */
export interface WorkerRow {
  readonly id: number
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly slots: number
  readonly labels: readonly string[]
  /** Of the runs whose tasks it takes: `cluster:NAME`, `run:ID`. Null: of those of no pool. */
  readonly pool: string | null
  readonly version: string
  readonly state: 'alive' | 'draining'
  readonly started: number
  readonly seen: number
  /** Task runs it holds, and has finished. */
  readonly running: number
  readonly finished: number
  /** Bytes, of the whole process. */
  readonly memory: number
}

/** The workers that are connected now, oldest first. */
export async function liveWorkers(database: Database): Promise<WorkerRow[]> {
  return database.query<WorkerRow & Record<string, unknown>>(
    `select id, name, host, pid, slots, labels, pool, version, state, started, seen, running, finished, memory
     from worker where state in ('alive', 'draining') order by id`,
  )
}

/** Numbers of task runs of runs that are going. */
interface QueueDepth {
  readonly waiting: number
  readonly running: number
}

interface PoolDepth extends QueueDepth {
  /** Null: of runs of none. */
  readonly pool: string | null
}

/**
 * What waits for workers, and what they run: in all, and of each pool that has any of it.
 * @param pool only of this one; null: of runs of none. @default all
 */
export async function queueDepth(
  database: Database,
  pool?: string | null,
): Promise<QueueDepth & { readonly pools: readonly PoolDepth[] }> {
  const all = await database.query<PoolDepth & Record<string, unknown>>(
    `select r.pool, count(*) filter (where t.state = 'Pending')::int as waiting,
            count(*) filter (where t.state = 'Running')::int as running
     from flow_run r join task_run t on t.run = r.no
     where t.ended is null and r.state in ('Running', 'Paused')
     group by r.pool order by r.pool nulls first`,
  )
  const pools = pool === undefined ? all : all.filter((each) => each.pool === pool)
  const sum = (of: 'waiting' | 'running'): number => pools.reduce((total, each) => total + each[of], 0)
  return { waiting: sum('waiting'), running: sum('running'), pools }
}

/** Tells a worker to finish what it runs, and to end (`drain`) or start anew (`restart`). */
export async function tellWorker(database: Database, worker: number, what: 'drain' | 'restart'): Promise<void> {
  await database.query('select pg_notify($1, $2)', [CHANNEL.control, `${what} ${worker}`])
}
