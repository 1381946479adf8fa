import type { Database } from '../postgres/database.ts'
import { plainText } from '../postgres/json.ts'
import { flowRunOf, type RunRow, runColumns, withoutNulls } from '../postgres/run-row.ts'
import type { FlowRun } from '../store/run-store.ts'
import type { Callback } from './queued-run.ts'

/*
 * The notices themselves are written by a trigger on the runs (migrations/002-dispatch.sql): whoever ends a run, and
 * however, they are there when the end is. Each is delivered at least once.
 */

export type FinalState = 'Completed' | 'Failed' | 'Crashed' | 'Cancelled'

/** Who is told of which runs' ends. What is left out does not matter: a rule with a name and `to` alone is for all. */
export interface NoticeRule extends Callback {
  readonly name: string
  readonly flows?: readonly string[]
  readonly queues?: readonly string[]
  /** All of which the run has. */
  readonly labels?: readonly string[]
  /** Name of the environment's secret that signs what is sent. */
  readonly secret?: string
}

/** Somebody to be told now. */
export interface Notice {
  readonly id: number
  readonly to: string
  /** The state that the run came into. It may have left it since: a failed run may be queued again. */
  readonly state: FinalState
  /** The rule it is by; none where the run itself asked for it. */
  readonly rule?: string
  readonly secret?: string
  /** How often it was tried, this time included. */
  readonly attempt: number
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly run: FlowRun
}

/** One that was given up, or waits for its next try after a failure. */
export interface UndeliveredNotice extends Omit<Notice, 'run'> {
  readonly run: string
  readonly error?: string
  /** When it is tried next; none where it was given up. */
  readonly due?: number
}

/** How long (ms) whoever claimed a notice has for it, before it is given to another. */
const CLAIMED_FOR = 120_000
/** When a notice is given up, counted from the end of its run (ms). */
export const NOTICE_LIFETIME = 24 * 60 * 60_000

/** Makes or replaces the rule of that name. It holds for runs that end from now on. */
export async function putRule(database: Database, rule: NoticeRule): Promise<void> {
  await database.query(
    `insert into notice_rule (name, target, states, flows, queues, labels, secret) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (name) do update set target = excluded.target, states = excluded.states, flows = excluded.flows,
       queues = excluded.queues, labels = excluded.labels, secret = excluded.secret`,
    [
      rule.name,
      rule.to,
      rule.states ?? null,
      rule.flows ?? null,
      rule.queues ?? null,
      rule.labels ?? null,
      rule.secret ?? null,
    ],
  )
}

/** @returns false where there was no rule of that name */
export async function removeRule(database: Database, name: string): Promise<boolean> {
  return (await database.query('delete from notice_rule where name = $1 returning name', [name])).length > 0
}

/** All rules, by name. */
export async function rules(database: Database): Promise<NoticeRule[]> {
  const rows = await database.query(
    'select name, target as to, states, flows, queues, labels, secret from notice_rule order by name',
  )
  return rows.map((row) => withoutNulls(row) as unknown as NoticeRule)
}

/**
 * Takes notices that are due, oldest first. Of one whose claimer does not say within two minutes how it went, another
 * claims it. A run that is not over any more, being on its way to its next launch, is no news: that notice is dropped.
 */
export async function claimNotices(database: Database, limit: number): Promise<Notice[]> {
  await database.query(
    `delete from notice n where n.sent is null and n.given_up is null and n.due <= now() and n.state = 'Crashed'
       and exists (select from flow_run r where r.no = n.run and r.state <> 'Crashed' and r.launch > 0)`,
  )
  const rows = await database.query<
    RunRow & { notice: { id: number; to: string; state: FinalState; attempt: number; created: number } }
  >(
    `with found as materialized (
       select id from notice where sent is null and given_up is null and due <= now()
       order by due limit $1 for update skip locked),
     claimed as (
       update notice n set attempt = n.attempt + 1, due = now() + ${CLAIMED_FOR} * interval '1 ms'
       where n.id = any(array(select id from found)) returning n.*)
     select ${runColumns('r')}, jsonb_build_object('id', c.id, 'to', c.target, 'state', c.state, 'rule', c.rule,
       'secret', c.secret, 'attempt', c.attempt, 'created', (extract(epoch from c.created) * 1000)::bigint) as notice
     from claimed c join flow_run r on r.no = c.run order by c.id`,
    [limit],
  )
  return rows.map(({ notice, ...row }) => ({ ...(withoutNulls(notice) as unknown as Notice), run: flowRunOf(row) }))
}

export async function noticeSent(database: Database, id: number): Promise<void> {
  await database.query('update notice set sent = now(), error = null where id = $1', [id])
}

/**
 * @param nextTry when to try again, in milliseconds from now
 * @param most it is given up where the next try would be this long (ms) after the end of its run; 0: now
 */
export async function noticeFailed(
  database: Database,
  id: number,
  error: string,
  nextTry: number,
  most = NOTICE_LIFETIME,
): Promise<void> {
  await database.query(
    `update notice set error = $2, due = now() + $3 * interval '1 ms',
       given_up = case when now() + $3 * interval '1 ms' >= created + $4 * interval '1 ms' then now() end
     where id = $1 and sent is null`,
    [id, plainText(error), nextTry, most],
  )
}

/** Notices that were given up or failed at least once, newest first. @param limit default 100 */
export async function undelivered(database: Database, limit = 100): Promise<UndeliveredNotice[]> {
  const rows = await database.query(
    `select n.id, n.target as to, n.state, n.rule, n.secret, n.attempt, n.created, r.id as run, n.error,
       case when n.given_up is null then n.due end as due
     from notice n join flow_run r on r.no = n.run
     where n.sent is null and n.error is not null order by n.id desc limit $1`,
    [limit],
  )
  return rows.map((row) => withoutNulls(row) as unknown as UndeliveredNotice)
}
