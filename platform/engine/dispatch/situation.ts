import type { Query } from '../postgres/database.ts'
import type { Room } from './choose-runs.ts'
import { isOpen, type TimeWindow } from './time-window.ts'

/** What decides which runs may be launched now. */
export interface Situation {
  /** By the clock of the database: milliseconds since the epoch. */
  readonly now: number
  readonly queues: readonly SituatedQueue[]
  readonly labels: readonly { readonly label: string; readonly most: number; readonly going: number }[]
  /** Of `*`: every run. */
  readonly pauses: readonly { readonly deployment: string; readonly by: string; readonly reason: string }[]
}

export interface SituatedQueue {
  readonly name: string
  readonly priority: number
  readonly concurrency: number | null
  readonly window: TimeWindow | null
  readonly pausedBy: string | null
  readonly reason: string | null
  /** Runs that were claimed and are not over. */
  readonly going: number
}

/** SQL: a queued run that takes up room. */
const GOING = `state in ('Pending', 'Running', 'Retrying', 'Paused', 'Cancelling') and queue is not null`

export async function readSituation(query: Query): Promise<Situation> {
  const [row] = await query<{ [K in keyof Situation]: Situation[K] }>(
    `with going as materialized (select queue, labels from flow_run where ${GOING})
     select (extract(epoch from clock_timestamp()) * 1000)::float8 as now,
       (select jsonb_agg(jsonb_build_object('name', name, 'priority', priority, 'concurrency', concurrency, 'window', open,
          'pausedBy', paused_by, 'reason', paused_reason,
          'going', case when concurrency is null then 0 else (select count(*) from going where queue = name) end))
        from work_queue) as queues,
       (select coalesce(jsonb_agg(jsonb_build_object('label', label, 'most', most,
          'going', (select count(*) from going where label = any(labels)))), '[]') from label_limit) as labels,
       (select coalesce(jsonb_agg(jsonb_build_object('deployment', deployment, 'by', paused_by, 'reason', reason)), '[]')
        from dispatch_pause) as pauses`,
  )
  if (!row) throw new Error('the database gave no row back')
  return row
}

/** How many runs may begin, of `most` that an agent asks for. */
export function roomIn({ now, queues, labels, pauses }: Situation, most: number): Room {
  const isPaused = pauses.some(({ deployment }) => deployment === '*')
  const open = queues.filter(
    ({ pausedBy, window }) => pausedBy === null && (window === null || isOpen(window, new Date(now))),
  )
  return {
    runs: isPaused ? 0 : most,
    queues: new Map(
      open.map(({ name, priority, concurrency, going }) => [
        name,
        { priority, left: concurrency === null ? Number.POSITIVE_INFINITY : concurrency - going },
      ]),
    ),
    labels: new Map(labels.map(({ label, most: limit, going }) => [label, limit - going])),
  }
}
