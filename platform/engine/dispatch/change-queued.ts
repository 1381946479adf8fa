import type { Database } from '../postgres/database.ts'
import { CHANNEL } from '../postgres/locks.ts'
import { flowRunOf, RUN_COLUMNS, type RunRow } from '../postgres/run-row.ts'
import type { FlowRun } from '../store/run-store.ts'
import { checkQueues } from './work-queues.ts'

/** What may be changed of a run while it waits. What is left out stays. */
export interface QueuedChange {
  readonly labels?: readonly string[]
  /** Null: any. */
  readonly launcher?: string | null
  readonly queue?: string
  readonly priority?: number
}

/**
 * Changes where a run that waits is to run: with one label instead of another, it runs on your laptop.
 * @returns undefined when it does not wait any more
 * @throws UserError when there is no such queue
 */
export async function changeQueued(
  database: Database,
  id: string,
  { labels, launcher, queue, priority }: QueuedChange,
): Promise<FlowRun | undefined> {
  if (queue !== undefined) await checkQueues((text, values) => database.query(text, values), [queue])
  const [row] = await database.query<RunRow>(
    `with changed as (
       update flow_run set labels = coalesce($2, labels), launcher = case when $3 then $4 else launcher end,
         queue = coalesce($5, queue), priority = coalesce($6, priority)
       where id = $1 and state = 'Scheduled' and queue is not null returning ${RUN_COLUMNS}),
     told as (select pg_notify('millrace_run_' || no, 'state'), pg_notify('${CHANNEL.dispatch}', 'queued') from changed)
     select changed.* from changed, told`,
    [id, labels ?? null, launcher !== undefined, launcher ?? null, queue ?? null, priority ?? null],
  )
  return row && flowRunOf(row)
}
