import type { Database, Query } from '../postgres/database.ts'
import { plainText } from '../postgres/json.ts'
import { CHANNEL, LOCK_CLASS } from '../postgres/locks.ts'

/** Why a run is over whose job is. */
/** How often a run whose machine is taken away is launched again. */
export const MOST_RESTARTS = 20

export interface JobEnd {
  readonly message: string
  /** As its launcher tells them apart: `out-of-memory`. */
  readonly reason?: string
  /** The last lines that its driver printed, oldest first: they become log lines of the run, of the source `job`. */
  readonly lines?: readonly string[]
  /** @default "Crashed"; of a run that was being cancelled, "Cancelled" */
  readonly state?: 'Crashed' | 'Failed' | 'Cancelled'
}

/** SQL: nothing can come any more of what a run left waiting or running; but of a crashed one a worker may finish it. */
const LEFT_OVER = `update task_run t set state = 'Cancelled', ended = now() from ended e
  where e.state in ('Failed', 'Cancelled') and t.run = e.no and t.ended is null returning t.run`

/**
 * Ends a run because its job is over or is not to be had. One that is final stays as it is; of one that is Crashed
 * already, because its driver was found gone, this says why. Nothing happens to a run that was launched again, or put
 * back into its queue, since. The launch stays open until nothing is left of its job: see `endLaunch`.
 * @returns whether this ended it, or said why
 */
export async function crashRun(
  database: Database,
  run: string,
  launch: number,
  { message, reason, lines = [], state }: JobEnd,
): Promise<boolean> {
  return await database.transaction(
    async (query) => {
      const [row] = await query<{ no: number }>(
        `with ended as (
           update flow_run r set message = $4, ended = coalesce(r.ended, now()), state = case
             when r.state = 'Crashed' then r.state
             when $3::text is null and r.state = 'Cancelling' then 'Cancelled' else coalesce($3, 'Crashed') end
           where id = $1 and launch = $2 and state not in ('Scheduled', 'Completed', 'Failed', 'Cancelled')
             and exists (select from ledger l where l.run = r.no and l.launch = $2 and l.ended is null and l.message is null)
           returning no, state),
         noted as (
           update ledger l set reason = $5, message = $4 from ended e where l.run = e.no and l.launch = $2 returning 1),
         left_over as (${LEFT_OVER}),
         told as (
           select pg_notify('millrace_run_' || no, 'state'),
             case when exists (select from left_over) then pg_notify('${CHANNEL.control}', 'cancel ' || no || ' *') end
           from ended)
         select ended.no from ended, told, (select count(*) from noted) x`,
        [run, launch, state ?? null, plainText(message), reason ?? null],
      )
      if (!row) return false
      await tellAtOnce(query, row.no)
      await writeLines(query, row.no, lines)
      return true
    },
    { repeat: true },
  )
}

/**
 * Puts a run back into its queue whose job is over through no fault of its own; its journal lets it go on from what is
 * finished. One that was put back `most` times already is Crashed, and says so. Its launch is over then: whatever is left
 * of its job is nobody's. Nothing happens to a run that was launched again since, is being cancelled, or is over otherwise.
 * @returns which of the two became of it
 */
export async function rescheduleRun(
  database: Database,
  run: string,
  launch: number,
  { message, most }: { readonly message: string; readonly most: number },
): Promise<'Scheduled' | 'Crashed' | undefined> {
  return await database.transaction(
    async (query) => {
      const [row] = await query<{ no: number; state: 'Scheduled' | 'Crashed' }>(
        `with changed as (
           update flow_run r set state = case when restarts < $4 then 'Scheduled' else 'Crashed' end,
             restarts = least(restarts + 1, $4), failure = null, not_before = null, queued = now(),
             driver = case when restarts < $4 then null else driver end,
             driver_missing = null, ended = case when restarts < $4 then null else coalesce(ended, now()) end,
             message = case when restarts < $4 then $3 else $3 || '; it was launched again '
               || case when $4 = 1 then 'once' else $4 || ' times' end || ' already, and is given up' end
           where id = $1 and launch = $2 and state in ('Pending', 'Running', 'Retrying', 'Paused', 'Crashed')
             and exists (select from ledger l where l.run = r.no and l.launch = $2 and l.ended is null)
           returning no, state),
         closed as (
           update ledger l set ended = now(), reason = coalesce(l.reason, 'rescheduled'), message = coalesce(l.message, $3)
           from changed where l.run = changed.no and l.launch = $2 returning 1),
         told as (
           select pg_notify('millrace_run_' || no, 'state'),
             case when state = 'Scheduled' then pg_notify('${CHANNEL.dispatch}', 'queued') end from changed)
         select changed.* from changed, told, (select count(*) from closed) x`,
        [run, launch, plainText(message), most],
      )
      if (row?.state === 'Crashed') await tellAtOnce(query, row.no)
      return row?.state
    },
    { repeat: true },
  )
}

/** It will not be back: whoever is to be told of its end need not wait for that. */
async function tellAtOnce(query: Query, no: number): Promise<void> {
  await query('update notice set due = now() where run = $1 and attempt = 0 and sent is null and due > now()', [no])
}

async function writeLines(query: Query, no: number, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return
  // As every writer of log lines does: one at a time, so that whoever reads on from the last number misses none.
  await query('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS.log, no])
  await query(
    `with written as (
       insert into log_line (run, time, level, source, message)
       select $1, clock_timestamp(), 1, 'job', line from unnest($2::text[]) with ordinality u (line, i) order by i returning 1)
     select pg_notify('millrace_run_' || $1::bigint, 'logs') from (select count(*) from written) x`,
    [no, lines.map(plainText)],
  )
}
