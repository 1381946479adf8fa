import { nearest, UserError } from '@millrace/sdk'
import type { Database, Query } from '../postgres/database.ts'
import { CHANNEL } from '../postgres/locks.ts'
import { withoutNulls } from '../postgres/run-row.ts'
import { checkWindow, type TimeWindow } from './time-window.ts'

/** What a queue lets through. A setting that is null is taken away. */
export interface QueueSettings {
  /** Most runs at once. */
  readonly concurrency?: number | null
  /** Runs of a queue with a higher one go first. @default 0 */
  readonly priority?: number
  /** Most runs waiting. */
  readonly cap?: number | null
  /** When its runs are launched. What goes when it closes goes on. */
  readonly window?: TimeWindow | null
}

/** Who paused something, why, and when (ms since the epoch). */
export interface Pause {
  readonly by: string
  readonly reason: string
  readonly at: number
}

export interface QueueRow {
  readonly name: string
  readonly settings: {
    readonly concurrency?: number
    readonly priority: number
    readonly cap?: number
    readonly window?: TimeWindow
  }
  readonly paused?: Pause
  /** Runs in it: waiting for an agent, claimed by one, taken up by their driver. */
  readonly waiting: number
  readonly launching: number
  readonly running: number
  /** How long (ms) the oldest one waits. */
  readonly oldest?: number
}

/** As a manifest has it, too. */
const NAME = /^[a-z][a-z0-9-]{0,49}$/

/**
 * Makes a queue, or changes the settings that are given; the others stay.
 * @throws UserError naming the queue and the setting that is not in order
 */
export async function putQueue(database: Database, name: string, settings: QueueSettings): Promise<void> {
  check(name, settings)
  const { concurrency, priority, cap, window } = settings
  const given = (value: unknown): boolean => value !== undefined
  await database.query(
    `insert into work_queue (name, concurrency, priority, cap, open) values ($1, $2, coalesce($3, 0), $4, $5)
     on conflict (name) do update set
       concurrency = case when $6 then excluded.concurrency else work_queue.concurrency end,
       priority = coalesce($3, work_queue.priority),
       cap = case when $7 then excluded.cap else work_queue.cap end,
       open = case when $8 then excluded.open else work_queue.open end`,
    [
      name,
      concurrency ?? null,
      priority ?? null,
      cap ?? null,
      window ? JSON.stringify(window) : null,
      given(concurrency),
      given(cap),
      given(window),
    ],
  )
  await tellRoom(database)
}

/**
 * Takes a queue away.
 * @throws UserError when there is none of that name, or it is still used
 */
export async function removeQueue(database: Database, name: string): Promise<void> {
  if (name === 'default') throw new UserError('queue default cannot be removed: it is for all that name no other')
  const [found] = await database.query<{ known: boolean; runs: number; deployment: string | null; removed: number }>(
    `with used as materialized (
       select exists (select from work_queue where name = $1) as known,
         (select count(*) from flow_run where queue = $1 and state = 'Scheduled')::int as runs,
         (select min(name) from deployment where record ->> 'queue' = $1 and gone is null) as deployment),
     removed as (
       delete from work_queue where name = $1 and (select runs = 0 and deployment is null from used) returning 1)
     select *, (select count(*) from removed)::int as removed from used`,
    [name],
  )
  if (!found?.known) throw await unknownQueue((text, values) => database.query(text, values), name)
  if (found.deployment !== null) {
    throw new UserError(`queue ${name} cannot be removed: the deployment ${found.deployment} uses it`)
  }
  if (found.runs > 0) {
    throw new UserError(`queue ${name} cannot be removed: ${found.runs} runs wait in it; clear it first`)
  }
}

/** All queues, by name. */
export async function queues(database: Database): Promise<QueueRow[]> {
  const rows = await database.query<
    Omit<QueueRow, 'settings' | 'paused' | 'oldest'> & {
      settings: object
      paused: Pause | null
      oldest: number | null
    }
  >(
    `select q.name,
       jsonb_strip_nulls(jsonb_build_object('concurrency', concurrency, 'priority', priority, 'cap', cap, 'window', open))
         as settings,
       case when paused is not null then jsonb_build_object('by', paused_by, 'reason', paused_reason,
         'at', (extract(epoch from paused) * 1000)::bigint) end as paused,
       coalesce(w.n, 0)::int as waiting, coalesce(g.launching, 0)::int as launching, coalesce(g.running, 0)::int as running,
       (extract(epoch from now() - w.oldest) * 1000)::float8 as oldest
     from work_queue q
     left join (select queue, count(*) as n, min(queued) as oldest from flow_run where state = 'Scheduled' group by queue) w
       on w.queue = q.name
     left join (select queue, count(*) filter (where state = 'Pending') as launching,
         count(*) filter (where state <> 'Pending') as running
       from flow_run where state in ('Pending', 'Running', 'Retrying', 'Paused', 'Cancelling') group by queue) g
       on g.queue = q.name
     order by q.name`,
  )
  return rows.map((row) => withoutNulls(row) as unknown as QueueRow)
}

/**
 * Lets no run of a queue begin; what goes, goes on. One that is paused stays paused as it is.
 * @throws UserError when there is no such queue
 */
export async function pauseQueue(
  database: Database,
  name: string,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  const rows = await database.query(
    `update work_queue set paused_by = case when paused is null then $2 else paused_by end,
       paused_reason = case when paused is null then $3 else paused_reason end, paused = coalesce(paused, now())
     where name = $1 returning name`,
    [name, by, reason],
  )
  if (rows.length === 0) throw await unknownQueue((text, values) => database.query(text, values), name)
}

/** @throws UserError when there is no such queue */
export async function resumeQueue(database: Database, name: string): Promise<void> {
  const rows = await database.query(
    'update work_queue set paused_by = null, paused_reason = null, paused = null where name = $1 returning name',
    [name],
  )
  if (rows.length === 0) throw await unknownQueue((text, values) => database.query(text, values), name)
  await tellRoom(database)
}

/**
 * Cancels all runs that wait in a queue.
 * @returns their ids
 * @throws UserError when there is no such queue
 */
export async function clearQueue(database: Database, name: string, { by }: { readonly by: string }): Promise<string[]> {
  const rows = await database.query<{ id: string }>(
    `with cancelled as (
       update flow_run set state = 'Cancelled', ended = now(), message = $2
       where queue = $1 and state = 'Scheduled' returning no, id),
     told as (select pg_notify('millrace_run_' || no, 'state') from cancelled)
     select id from cancelled, (select count(*) from told) x order by no`,
    [name, `the queue ${name} was cleared by ${by}`],
  )
  if (rows.length === 0) await checkQueues((text, values) => database.query(text, values), [name])
  return rows.map(({ id }) => id)
}

/** Lets at most so many runs go at once that have the label, whatever queue they are of; undefined: as many as come. */
export async function putLabelLimit(database: Database, label: string, most: number | undefined): Promise<void> {
  if (most === undefined) await database.query('delete from label_limit where label = $1', [label])
  else {
    checkCount(`label ${label}`, 'limit', most, 1)
    await database.query(
      'insert into label_limit (label, most) values ($1, $2) on conflict (label) do update set most = excluded.most',
      [label, most],
    )
  }
  await tellRoom(database)
}

/** All limits of labels, and how many runs have each now. */
export async function labelLimits(database: Database): Promise<{ label: string; most: number; going: number }[]> {
  return database.query(
    `select label, most, (
       select count(*) from flow_run r where r.state in ('Pending', 'Running', 'Retrying', 'Paused', 'Cancelling')
         and r.queue is not null and l.label = any(r.labels))::int as going
     from label_limit l order by label`,
  )
}

/** @throws UserError naming the first of the queues that is not there */
export async function checkQueues(query: Query, names: readonly string[]): Promise<void> {
  const rows = await query<{ name: string }>('select name from work_queue where name = any($1)', [names])
  const known = new Set(rows.map(({ name }) => name))
  const missing = names.find((name) => !known.has(name))
  if (missing !== undefined) throw await unknownQueue(query, missing)
}

async function unknownQueue(query: Query, name: string): Promise<UserError> {
  const rows = await query<{ name: string }>('select name from work_queue order by name')
  const names = rows.map((row) => row.name)
  const near = nearest(name, names)
  return new UserError(
    `there is no queue "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    `Queues here: ${names.join(', ')}.`,
  )
}

async function tellRoom(database: Database): Promise<void> {
  await database.query('select pg_notify($1, $2)', [CHANNEL.dispatch, 'room'])
}

function check(name: string, { concurrency, priority, cap, window }: QueueSettings): void {
  if (!NAME.test(name)) {
    throw new UserError(`queue "${name}": its name must be lower-case letters, digits and "-", a letter first`)
  }
  if (concurrency !== undefined && concurrency !== null) checkCount(`queue ${name}`, 'concurrency', concurrency, 1)
  if (cap !== undefined && cap !== null) checkCount(`queue ${name}`, 'cap', cap, 0)
  if (priority !== undefined) checkCount(`queue ${name}`, 'priority', priority, -1_000_000)
  if (window) checkWindow(name, window)
}

function checkCount(thing: string, field: string, value: number, least: number): void {
  if (Number.isInteger(value) && value >= least && value <= 1_000_000_000) return
  const what = least < 0 ? 'a whole number' : `a whole number, ${least} or more`
  throw new UserError(`${thing}: ${field}: expected ${what}, got ${value}`)
}
