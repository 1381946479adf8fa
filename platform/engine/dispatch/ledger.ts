import type { Database } from '../postgres/database.ts'
import { plainText } from '../postgres/json.ts'
import { locked } from '../postgres/locks.ts'
import { withoutNulls } from '../postgres/run-row.ts'
import type { RunState } from '../states.ts'

/** A launch of a run, as the ledger has it. Times are milliseconds since the epoch, by the database's clock. */
export interface Launch {
  readonly run: string
  readonly launch: number
  readonly launcher: string
  readonly place: string
  /** The agent that claimed it. */
  readonly agent: number
  readonly agentName?: string
  /** `millrace-RUN-LAUNCH`. */
  readonly jobName: string
  /** What its launcher knows the job by; none until it is known to have been launched. */
  readonly handle?: string
  readonly opened: number
  readonly launched?: number
  /** When nothing was left of the job. */
  readonly ended?: number
  /** When the run is to be over: as it was launched, or by its time-out and when its driver took it up. */
  readonly deadline?: number
  readonly reason?: string
  readonly message?: string
}

/** A launch of which something may be left, beside how its run is. */
export interface OpenLaunch extends Omit<Launch, 'ended'> {
  readonly flow: string
  readonly runName: string
  readonly state: RunState
  readonly attempt: number
  readonly runMessage?: string
  readonly restarts: number
  /** The run is in a final state. */
  readonly isOver: boolean
  /** The run has not been launched again since, nor put back into its queue. */
  readonly isCurrent: boolean
  readonly isDriverAlive: boolean
  readonly isAgentAlive: boolean
  /**
   * It runs on a standing cluster whose workers are of another version by now than its driver, and its deployment has
   * another image: launched again, it goes on.
   */
  readonly isStranded: boolean
  /** Milliseconds since the claim, since the launch, and since the run was over. */
  readonly openFor: number
  readonly launchedFor?: number
  readonly overFor?: number
  /** Milliseconds beyond its deadline; negative before. */
  readonly lateBy?: number
}

const DEADLINE = `coalesce(l.deadline, r.started + r.timeout * interval '1 ms')`
const COLUMNS = `r.id as run, l.launch, l.launcher, l.place, l.agent, a.name as "agentName", l.job as "jobName", l.handle, l.opened,
  l.launched, l.ended, l.reason, l.message, ${DEADLINE} as deadline`

/** SQL: whether nobody in the pool of run `r` works for its driver, and its driver could be another. */
const STRANDED = `(r.state = 'Running' and r.pool like 'cluster:%'
  and exists (select from worker w where w.pool = r.pool and w.state = 'alive' and w.version <> r.version)
  and not exists (select from worker w where w.pool = r.pool and w.state in ('alive', 'draining') and w.version = r.version)
  and exists (select from deployment d where d.name = r.deployment and d.gone is null
    and d.record -> 'job' ->> 'image' is distinct from r.job ->> 'image'))`

/**
 * Writes down that a job stands, and what its launcher knows it by.
 * @param deadline when the run is to be over: milliseconds since the epoch, by the database's clock
 * @returns false when there is no such launch any more: the job is nobody's
 */
export async function launched(
  database: Database,
  run: string,
  launch: number,
  { handle, deadline }: { readonly handle: string; readonly deadline?: number },
): Promise<boolean> {
  const rows = await database.query(
    `update ledger l set handle = $3, launched = coalesce(launched, now()),
       deadline = coalesce(to_timestamp($4::float8 / 1000), deadline)
     from flow_run r where r.id = $1 and l.run = r.no and l.launch = $2 and l.ended is null returning 1`,
    [run, launch, handle, deadline ?? null],
  )
  return rows.length > 0
}

/**
 * All launches in a place of which something may be left, oldest first.
 * @param options.restartGrace when the database was started less than this long (ms) ago, everybody's locks are gone with
 *   the old one: who was alive before counts as alive until then. @default 5000
 */
export async function launches(
  database: Database,
  place: string,
  { restartGrace = 5000 }: { readonly restartGrace?: number } = {},
): Promise<OpenLaunch[]> {
  const age = (time: string): string => `(extract(epoch from now() - ${time}) * 1000)::float8`
  const rows = await database.query(
    `with held as materialized (
       select ${locked('driver')} as drivers, ${locked('agent')} as agents,
         pg_postmaster_start_time() > now() - $2 * interval '1 ms' as is_new)
     select ${COLUMNS}, r.flow, r.name as "runName", r.state, r.attempt, r.message as "runMessage", r.restarts,
       r.state in ('Completed', 'Failed', 'Crashed', 'Cancelled') as "isOver",
       l.launch = r.launch and r.state <> 'Scheduled' as "isCurrent", 
       r.no = any(held.drivers) or held.is_new and r.driver is not null and r.ended is null as "isDriverAlive",
       coalesce(a.ended is null and (a.id = any(held.agents) or held.is_new), false) as "isAgentAlive",
       ${STRANDED} as "isStranded", ${age('l.opened')} as "openFor", ${age('l.launched')} as "launchedFor", ${age('r.ended')} as "overFor",
       ${age(DEADLINE)} as "lateBy"
     from held, ledger l join flow_run r on r.no = l.run left join agent a on a.id = l.agent
     where l.place = $1 and l.ended is null order by l.run, l.launch`,
    [place, restartGrace],
  )
  return rows.map((row) => withoutNulls(row) as unknown as OpenLaunch)
}

/** The last launch of a run, over or not: where it ran. */
export async function lastLaunch(database: Database, run: string): Promise<Launch | undefined> {
  const [row] = await database.query(
    `select ${COLUMNS} from flow_run r join ledger l on l.run = r.no left join agent a on a.id = l.agent
     where r.id = $1 order by l.launch desc limit 1`,
    [run],
  )
  return row && (withoutNulls(row) as unknown as Launch)
}

/** Nothing is left of the job. What was said of it before stays. */
export async function endLaunch(
  database: Database,
  run: string,
  launch: number,
  { reason, message }: { readonly reason?: string; readonly message?: string } = {},
): Promise<void> {
  await database.query(
    `update ledger l set ended = now(), reason = coalesce(l.reason, $3), message = coalesce(l.message, $4)
     from flow_run r where r.id = $1 and l.run = r.no and l.launch = $2 and l.ended is null`,
    [run, launch, reason ?? null, message === undefined ? null : plainText(message)],
  )
}

/** Those of the ids that runs in this database have. */
export async function knownRuns(database: Database, ids: readonly string[]): Promise<Set<string>> {
  const rows = await database.query<{ id: string }>('select id from flow_run where id = any($1)', [ids])
  return new Set(rows.map(({ id }) => id))
}

/** What time it is by the clock that everything is timed by: milliseconds since the epoch. */
export async function databaseTime(database: Database): Promise<number> {
  const [row] = await database.query<{ now: number }>('select clock_timestamp() as now')
  if (!row) throw new Error('the database gave no row back')
  return row.now
}
