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
    `select id, name, host, pid, slots, labels, version, state, started, seen, running, finished, memory
     from worker where state in ('alive', 'draining') order by id`,
  )
}

/** Task runs of runs that are going, by state; the depth of the queue is `waiting`. */
export async function queueDepth(database: Database): Promise<{ waiting: number; running: number }> {
  const [row] = await database.query<{ waiting: number; running: number }>(
    `select count(*) filter (where t.state = 'Pending')::int as waiting,
            count(*) filter (where t.state = 'Running')::int as running
     from task_run t join flow_run r on r.no = t.run
     where t.ended is null and r.state in ('Running', 'Paused')`,
  )
  return row ?? { waiting: 0, running: 0 }
}

/** Tells a worker to finish what it runs, and to end (`drain`) or start anew (`restart`). */
export async function tellWorker(database: Database, worker: number, what: 'drain' | 'restart'): Promise<void> {
  await database.query('select pg_notify($1, $2)', [CHANNEL.control, `${what} ${worker}`])
}
