import type { Database } from './database.ts'
import { CHANNEL, isLocked } from './locks.ts'
import { MOST_DEATHS } from './queue.ts'

const IS_LAST = `cardinality(t.deaths) + 1 >= ${MOST_DEATHS}`
/** More numbers than this, and the driver looks at all of its tasks. */
const MOST_NAMED = 500

/**
 * Looks for workers that are gone (the lock on their number is free) or stalled (not heard of for `lease` ms),
 * gives their tasks back, and fails those that took {@link MOST_DEATHS} workers with them. Looks for drivers too:
 * a run whose driver has been gone for `driverGrace` ms is Crashed. Any process may call it at any time; one does the
 * work, the others pass. All in one statement: a worker is never dead without its tasks being given back.
 *
 * When the server was started less than `restartGrace` ms ago, everybody's locks are gone with the old one: nothing is
 * done then.
 * @returns names of the workers found dead
 */
export async function reap(
  database: Database,
  options: { readonly lease: number; readonly driverGrace: number; readonly restartGrace: number },
): Promise<string[]> {
  const rows = await database.query<{ dead: string[] | null }>(
    `with turn as materialized (
       select pg_postmaster_start_time() < now() - $3 * interval '1 ms' and pg_try_advisory_xact_lock(7151000) as mine),
     gone as (
       update worker w set state = 'dead', ended = now() from turn
       where turn.mine and w.state in ('alive', 'draining')
         and (not ${isLocked('worker', 'w.id')} or w.seen < now() - $1 * interval '1 ms')
       returning w.id, w.name, w.host),
     back as (
       update task_run t set deaths = t.deaths || g.name, worker = null,
         state = case when ${IS_LAST} then 'Crashed' else 'Pending' end,
         started = case when ${IS_LAST} then t.started end,
         ended = case when ${IS_LAST} then now() end,
         failure = case when ${IS_LAST} then jsonb_build_object(
           'name', 'WorkerDiedError', 'message', 'task ' || t.task || ' was given up: '
             || (cardinality(t.deaths) + 1) || ' workers died while they ran it ('
             || array_to_string(t.deaths || g.name, ', ') || ')') end
       from gone g, flow_run r
       where r.state in ('Running', 'Paused', 'Cancelling', 'Retrying', 'Crashed')
         and t.run = r.no and t.ended is null and t.state = 'Running' and t.worker = g.id
       returning t.run, t.seq, t.state),
     runs as (
       select run, count(*) filter (where state = 'Crashed') as crashed,
         string_agg(seq::text, ',') filter (where state = 'Crashed') as seqs
       from back group by run),
     missing as (
       update flow_run r set driver_missing = now() from turn
       where turn.mine and r.state in ('Running', 'Cancelling', 'Paused') and r.driver_missing is null
         and not ${isLocked('driver', 'r.no')}
       returning r.no),
     crashed as (
       update flow_run r set state = 'Crashed', ended = now(),
         message = 'the driver ' || coalesce(r.driver, '') || ' vanished; go on with: millrace resume ' || r.id
       from turn
       where turn.mine and r.state in ('Running', 'Cancelling', 'Paused') and not ${isLocked('driver', 'r.no')}
         and r.driver_missing < now() - $2 * interval '1 ms'
       returning r.no),
     told as (
       select pg_notify('${CHANNEL.work}', run::text) from runs
       union all
       select pg_notify('millrace_run_' || run, 'done ' || case when crashed > ${MOST_NAMED} then '*' else seqs end)
         from runs where crashed > 0
       union all
       select pg_notify('millrace_run_' || no, 'state') from crashed)
     select (select array_agg(name || ' on ' || host) from gone) as dead, (select count(*) from told), (select count(*) from missing)`,
    [options.lease, options.driverGrace, options.restartGrace],
    { name: 'reap', patience: 0 },
  )
  return rows[0]?.dead ?? []
}
