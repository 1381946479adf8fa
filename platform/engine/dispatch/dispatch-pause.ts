import type { Database } from '../postgres/database.ts'
import { CHANNEL, DISPATCH_LOCK, LOCK_CLASS } from '../postgres/locks.ts'
import type { Pause } from './work-queues.ts'

/** Stands for every run, of whatever deployment. */
const ALL = '*'

export interface DispatchPause extends Pause {
  /** None: it is for every run. */
  readonly deployment?: string
}

/** What of dispatch is paused; while a release is rolled, for one. */
export async function dispatchPaused(database: Database): Promise<DispatchPause[]> {
  const rows = await database.query<Pause & { deployment: string }>(
    'select paused_by as by, reason, paused as at, deployment from dispatch_pause order by deployment',
  )
  return rows.map(({ deployment, ...pause }) => (deployment === ALL ? pause : { ...pause, deployment }))
}

/**
 * Lets no run of these deployments be claimed, or no run at all where none are named. What is paused stays paused as it
 * is. When this is back, no claim that began before goes on: what is not Scheduled now was claimed.
 */
export async function pauseDispatch(
  database: Database,
  { by, reason, deployments = [ALL] }: { by: string; reason: string; deployments?: readonly string[] },
): Promise<void> {
  await database.transaction(
    async (query) => {
      await query('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS.dispatch, DISPATCH_LOCK.claim])
      await query(
        `insert into dispatch_pause (deployment, paused_by, reason) select d, $2, $3 from unnest($1::text[]) d
         on conflict (deployment) do nothing`,
        [deployments, by, reason],
      )
    },
    { repeat: true },
  )
}

/**
 * Takes the pause of these deployments away. Where none are named, that of every run: those of single deployments stay.
 * @returns what is still paused
 */
export async function resumeDispatch(
  database: Database,
  { deployments = [ALL] }: { deployments?: readonly string[] } = {},
): Promise<DispatchPause[]> {
  await database.query(
    `with resumed as (delete from dispatch_pause where deployment = any($1) returning 1)
     select pg_notify($2, 'room') from (select count(*) from resumed) x`,
    [deployments, CHANNEL.dispatch],
  )
  return await dispatchPaused(database)
}
