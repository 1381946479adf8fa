import type { Database, Query } from '../postgres/database.ts'
import { plainText } from '../postgres/json.ts'
import { DISPATCH_LOCK, LOCK_CLASS } from '../postgres/locks.ts'
import { flowRunOf, type RunRow, runColumns } from '../postgres/run-row.ts'
import type { FlowRun } from '../store/run-store.ts'
import { type Candidate, chooseRuns, type Room } from './choose-runs.ts'
import type { JobRequest } from './queued-run.ts'
import { readSituation, roomIn } from './situation.ts'

/** An agent that asks for runs. */
export interface Claimer {
  /** Its number (see agents.ts). */
  readonly agent: number
  readonly launcher: string
  /** It takes runs that have none but these. */
  readonly labels: readonly string[]
  /** It takes no run that asks for no label. */
  readonly exclusive: boolean
  /** Most runs to take now. */
  readonly limit: number
}

/** A run that an agent has claimed, and is to launch. */
export interface ClaimedRun extends FlowRun {
  readonly queue: string
  readonly priority: number
  /** How often it has been launched, this time included. */
  readonly launch: number
  readonly job: JobRequest
  /** Names its job: `millrace-RUN-LAUNCH`. */
  readonly jobName: string
  /** When it is to be over (ms since the epoch), where a launch before took it up and it has a time-out. */
  readonly deadline?: number
  /** When it was claimed (ms since the epoch), by the clock of the database: what a deadline is counted from. */
  readonly claimed: number
}

type ClaimedRow = RunRow & { job: JobRequest; jobName: string; deadline: number | null; claimed: number }

/**
 * SQL: what run `r` is launched with: what it was queued with. But the workers of a standing cluster are those of now, and
 * work for drivers of their own version alone: its driver is of the image that its deployment has now. Its code is the same.
 */
const JOB = `case when r.job ? 'cluster' then r.job || coalesce((
  select jsonb_build_object('image', d.record -> 'job' -> 'image') from deployment d
  where d.name = r.deployment and d.gone is null and d.record -> 'job' ? 'image'), '{}') else r.job end`

/** SQL: what of run `r` makes a {@link ClaimedRun}, but for when it was claimed. */
const CLAIMED_COLUMNS = `${runColumns('r')}, r.job, 'millrace-' || r.id || '-' || r.launch as "jobName",
  case when r.started is not null then r.started + r.timeout * interval '1 ms' end as deadline`

/**
 * Claims runs for an agent: each is Pending then, at its next launch, and in the ledger, all in one transaction. One
 * agent claims at a time, so that no limit is exceeded; what is due, and which queues are open, the database's clock says.
 *
 * Not done again where the connection broke: what may have been claimed is found by {@link claimedRuns}.
 */
export async function claimRuns(database: Database, claimer: Claimer): Promise<ClaimedRun[]> {
  if (claimer.limit < 1) return []
  return await database.transaction(async (query) => {
    await query('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS.dispatch, DISPATCH_LOCK.claim])
    const situation = await readSituation(query)
    const paused = situation.pauses.map(({ deployment }) => deployment)
    const chosen: Candidate[] = []
    let room = roomIn(situation, claimer.limit)
    while (room.runs > 0) {
      const candidates = await findCandidates(query, claimer, room, paused, chosen)
      const choice = chooseRuns(candidates, room)
      chosen.push(...choice.chosen)
      room = choice.room
      // Where none was passed over, there are no more; else there may be some behind those that have no room.
      if (choice.chosen.length === candidates.length) break
    }
    return chosen.length > 0 ? await write(query, claimer, chosen) : []
  })
}

/** Runs that the ledger says an agent has claimed and not launched: also those of a claim whose answer was lost. */
export async function claimedRuns(database: Database, agent: number): Promise<ClaimedRun[]> {
  const rows = await database.query<ClaimedRow>(
    `select ${CLAIMED_COLUMNS}, l.opened as claimed from ledger l join flow_run r on r.no = l.run
     where l.ended is null and l.launched is null and l.agent = $1 and r.launch = l.launch and r.state = 'Pending'
     order by r.no`,
    [agent],
  )
  return rows.map(claimedRunOf)
}

/**
 * Puts a run whose launch did not come about back into its queue. Nothing happens where its driver has taken it up, it is
 * at another launch, or it is over.
 * @param after not to be launched again for so long (ms)
 * @returns whether it was put back
 */
export async function giveBack(
  database: Database,
  run: string,
  launch: number,
  { message, after }: { readonly message: string; readonly after?: number },
): Promise<boolean> {
  const rows = await database.query(
    `with back as (
       update flow_run set state = 'Scheduled', message = $3, not_before = now() + $4 * interval '1 ms'
       where id = $1 and launch = $2 and state = 'Pending' returning no),
     closed as (
       update ledger l set ended = now(), reason = coalesce(reason, 'given back'), message = $3
       from back where l.run = back.no and l.launch = $2 and l.ended is null returning 1),
     told as (
       select pg_notify('millrace_run_' || no, 'state'), pg_notify('millrace_dispatch', 'queued') from back)
     select back.* from back, told, (select count(*) from closed) x`,
    [run, launch, plainText(message), after ?? null],
  )
  return rows.length > 0
}

/** How many runs of each queue wait and are due, and how long (ms) the oldest has been; queues without any are left out. */
export async function backlog(
  database: Database,
): Promise<{ readonly queue: string; readonly waiting: number; readonly oldest: number }[]> {
  return await database.query(
    `select queue, count(*)::int as waiting,
       (extract(epoch from now() - min(greatest(queued, not_before))) * 1000)::float8 as oldest
     from flow_run where state = 'Scheduled' and queue is not null and (not_before is null or not_before <= now())
     group by queue order by queue`,
  )
}

/** Of each queue that has room, the first runs that this agent may take. */
async function findCandidates(
  query: Query,
  { launcher, labels, exclusive }: Claimer,
  room: Room,
  paused: readonly string[],
  chosen: readonly Candidate[],
): Promise<Candidate[]> {
  const queues = [...room.queues].filter(([, { left }]) => left > 0)
  const full = [...room.labels].filter(([, left]) => left < 1).map(([label]) => label)
  return await query<Candidate & Record<string, unknown>>(
    `select r.* from unnest($1::text[], $2::int[]) as q (name, most),
       lateral (select no, queue, priority, labels from flow_run
         where state = 'Scheduled' and queue = q.name and labels <@ $3::text[] and not labels && $4::text[]
           and (launcher is null or launcher = $5) and (not $6 or cardinality(labels) > 0)
           and (not_before is null or not_before <= clock_timestamp())
           and (deployment is null or not deployment = any($7::text[])) and not no = any($8::bigint[])
         order by priority desc, no limit q.most) r`,
    [
      queues.map(([name]) => name),
      queues.map(([, { left }]) => Math.min(left, room.runs)),
      labels,
      full,
      launcher,
      exclusive,
      paused,
      chosen.map(({ no }) => no),
    ],
  )
}

async function write(query: Query, { agent, launcher }: Claimer, chosen: readonly Candidate[]): Promise<ClaimedRun[]> {
  const rows = await query<ClaimedRow>(
    `with r as (
       update flow_run r set state = 'Pending', launch = launch + 1, message = null, failure = null, ended = null,
         not_before = null, job = ${JOB}
       where no = any($1) and state = 'Scheduled' returning r.*),
     l as (
       insert into ledger (run, launch, launcher, place, agent, job)
       select no, launch, $2, coalesce((select place from agent where id = $3), $2), $3, 'millrace-' || id || '-' || launch from r),
     told as (select pg_notify('millrace_run_' || no, 'state') from r)
     select ${CLAIMED_COLUMNS}, now() as claimed from r, (select count(*) from told) x`,
    [chosen.map(({ no }) => no), launcher, agent],
  )
  const order = new Map(chosen.map(({ no }, i) => [no, i]))
  return rows.toSorted((a, b) => (order.get(a.no) ?? 0) - (order.get(b.no) ?? 0)).map(claimedRunOf)
}

function claimedRunOf({ job, jobName, deadline, claimed, ...row }: ClaimedRow): ClaimedRun {
  const run = flowRunOf(row)
  return {
    ...run,
    queue: row.queue ?? 'default',
    priority: row.priority,
    launch: row.launch,
    job,
    jobName,
    ...(deadline !== null && { deadline }),
    claimed,
  }
}
