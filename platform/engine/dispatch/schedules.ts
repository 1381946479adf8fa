import type { Database, Query } from '../postgres/database.ts'
import { withoutNulls } from '../postgres/run-row.ts'
import type { PostgresStore } from '../postgres/run-store.ts'
import type { FlowRun } from '../store/run-store.ts'
import { latestTime, nextTimes } from './cron-times.ts'
import type { DeploymentRecord, DeploymentSchedule } from './deployments.ts'
import { insertQueued, lockEnqueue, type NewQueuedRun, newQueuedRun } from './enqueue.ts'
import { runOfDeployment } from './run-of-deployment.ts'

/** A schedule as `millrace schedules` shows it. Times are milliseconds since the epoch. */
export interface ScheduleRow extends DeploymentSchedule {
  readonly deployment: string
  readonly flow: string
  /** None while it is paused, and where its cron text names no time any more. */
  readonly next?: number
  /** The time that was run last. */
  readonly last?: number
  /** Why the last time made no run. */
  readonly message?: string
}

interface DueSchedule extends DeploymentSchedule {
  readonly deployment: string
  readonly record: DeploymentRecord
  readonly next: number
  /** A run of it waits still. */
  readonly waiting: string | null
  /** How many runs its queue takes still; null: as many as come. */
  readonly room: number | null
  readonly now: number
}

/** What becomes of a schedule that is due. */
interface Firing {
  readonly deployment: string
  readonly next: Date | undefined
  /** What is fired. Of the times that passed since it was fired last, one: the latest. */
  readonly time: Date
  readonly run?: NewQueuedRun
  /** Why there is none. */
  readonly message?: string
}

/** Schedules of one transaction. */
const BATCH = 200
/** What the keys of scheduled runs begin with. */
const KEY = 'schedule '

/**
 * Queues a run for each schedule that is due, by the clock of the database. Whoever calls it, and however many at once:
 * a time makes one run at most. Times that passed while nobody did, or while an earlier run of the schedule waits still,
 * are not made up for: at most the latest is.
 * @returns the runs that were queued now
 */
export async function fireSchedules({ database }: PostgresStore): Promise<FlowRun[]> {
  const runs: FlowRun[] = []
  for (;;) {
    const fired = await database.transaction((query) => fireSome(query), { repeat: true })
    runs.push(...fired.runs)
    if (fired.count < BATCH) return runs
  }
}

/** A time of a schedule as a key: it makes one run, whoever queues it and when. */
export function scheduleKey(time: Date): { readonly text: string; readonly scope: 'ever' } {
  return { text: `${KEY}${time.toISOString()}`, scope: 'ever' }
}

/** The run that a deployment's schedule makes at a time: also what makes up for one that was missed. */
export function scheduledRun(deployment: DeploymentRecord, time: Date): NewQueuedRun {
  const { params = {} } = deployment.schedule ?? {}
  return newQueuedRun(runOfDeployment(deployment, { params, key: scheduleKey(time) }))
}

/** All schedules, by deployment. */
export async function schedules(database: Database): Promise<ScheduleRow[]> {
  const rows = await database.query(
    `select s.deployment, d.record ->> 'flow' as flow, s.cron, s.timezone, s.params, s.paused, s.next, s.last, s.message
     from schedule s join deployment d on d.name = s.deployment order by s.deployment`,
  )
  return rows.map((row) => withoutNulls(row) as unknown as ScheduleRow)
}

async function fireSome(query: Query): Promise<{ runs: FlowRun[]; count: number }> {
  // One that another process is firing is left to it.
  const due = await query<{ deployment: string }>(
    `select deployment from schedule where not paused and next <= now() order by next limit ${BATCH}
     for update skip locked`,
  )
  if (due.length === 0) return { runs: [], count: 0 }
  await lockEnqueue(query)
  const firings = fire(
    await readDue(
      query,
      due.map(({ deployment }) => deployment),
    ),
  )
  const made = await insertQueued(
    query,
    firings.flatMap(({ run }) => run ?? []),
  )
  await query(
    `update schedule s set next = to_timestamp(u.next / 1000), last = to_timestamp(u.time / 1000), message = u.message,
       run = coalesce(u.run, s.run)
     from unnest($1::text[], $2::float8[], $3::float8[], $4::text[], $5::text[]) as u (deployment, next, time, message, run)
     where s.deployment = u.deployment`,
    [
      firings.map(({ deployment }) => deployment),
      firings.map(({ next }) => next?.getTime() ?? null),
      firings.map(({ time }) => time.getTime()),
      firings.map(({ message }) => message ?? null),
      firings.map(
        ({ deployment, run }) => (run && made.find((each) => each.run.deployment === deployment)?.run.id) ?? null,
      ),
    ],
  )
  return { runs: made.filter(({ isKnown }) => !isKnown).map(({ run }) => run), count: due.length }
}

async function readDue(query: Query, names: readonly string[]): Promise<DueSchedule[]> {
  return await query<DueSchedule & Record<string, unknown>>(
    `select s.deployment, s.cron, s.timezone, s.params, s.paused, s.next, d.record, clock_timestamp() as now,
       -- Not any run of a time: a backfill may have queued many of long ago.
       (select r.id from flow_run r where r.id = s.run and r.state = 'Scheduled') as waiting,
       q.cap - (select count(*) from flow_run r where r.queue = q.name and r.state = 'Scheduled')::int as room
     from schedule s join deployment d on d.name = s.deployment join work_queue q on q.name = d.record ->> 'queue'
     where s.deployment = any($1) and s.next <= clock_timestamp() order by s.next`,
    [names],
  )
}

/** What becomes of schedules that are due. Pure, but for the ids that new runs get. */
function fire(due: readonly DueSchedule[]): Firing[] {
  const taken = new Map<string, number>()
  return due.map(({ deployment, record, waiting, room, now, next: first, ...schedule }) => {
    const { cron, timezone } = schedule
    const until = new Date(now)
    const time = latestTime(cron, timezone, new Date(first), until) ?? new Date(first)
    const firing = { deployment, time, next: nextTimes(cron, timezone, until, 1)[0] }
    if (waiting !== null) return { ...firing, message: `the run ${waiting} of an earlier time waits still` }
    const before = taken.get(record.queue) ?? 0
    if (room !== null && before >= room) return { ...firing, message: `the queue ${record.queue} was full` }
    taken.set(record.queue, before + 1)
    return { ...firing, run: scheduledRun({ ...record, schedule }, time) }
  })
}
