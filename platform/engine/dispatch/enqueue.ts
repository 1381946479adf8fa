import { UserError } from '@millrace/sdk'
import type { Query } from '../postgres/database.ts'
import { jsonText } from '../postgres/json.ts'
import { CHANNEL, DISPATCH_LOCK, LOCK_CLASS } from '../postgres/locks.ts'
import { flowRunOf, RUN_COLUMNS, type RunRow, runColumns } from '../postgres/run-row.ts'
import type { PostgresStore } from '../postgres/run-store.ts'
import { newRunId, placeholderName } from '../store/run-id.ts'
import { clusterPool, runPool } from '../worker/pool.ts'
import type { Enqueued, JobRequest, QueuedRun } from './queued-run.ts'
import { checkQueues } from './work-queues.ts'

/** A run on its way into its queue. */
export interface NewQueuedRun extends QueuedRun {
  readonly id: string
  readonly queue: string
}

/** Rows of one statement. */
const BATCH = 2000

/** SQL: what a key is looked up by: see the index flow_run_by_key. */
const KEY_OWNER = (of: string): string => `coalesce(${of}.deployment, ' ' || ${of}.flow)`
/** SQL: whether run `r` still lets no second one with its key in. */
export const HOLDS_KEY = `case r.key_scope when 'ever' then true when 'queued' then r.state = 'Scheduled'
  when 'active' then r.state not in ('Completed', 'Failed', 'Crashed', 'Cancelled') end`

/**
 * Puts runs into their queues: all of them, or none. Of runs that have a key, whoever queues them and however many do at
 * once, one is made.
 * @returns in the order of `runs`
 * @throws UserError when a queue is not there or would hold more than its cap, or a parameter cannot be stored
 */
export async function enqueue(store: PostgresStore, runs: readonly QueuedRun[]): Promise<Enqueued[]> {
  const made = runs.map(newQueuedRun)
  if (made.length === 0) return []
  // Their ids are known before: done twice, because an answer was lost, it is done once.
  return await store.database.transaction((query) => insertQueued(query, made), { repeat: true })
}

/** @throws UserError when a parameter cannot be stored */
export function newQueuedRun(run: QueuedRun): NewQueuedRun {
  const id = newRunId()
  if (JSON.stringify(run.params) !== jsonText(run.params)) {
    throw new UserError(`flow ${run.flow}: a parameter has a zero byte or half a character in it: it cannot be stored`)
  }
  return { ...run, id, name: run.name || placeholderName(run.flow, id), queue: run.queue ?? 'default' }
}

/** What {@link enqueue} does, within a transaction. */
export async function insertQueued(query: Query, runs: readonly NewQueuedRun[]): Promise<Enqueued[]> {
  const queues = [...new Set(runs.map(({ queue }) => queue))]
  await checkQueues(query, queues)
  const capped = await query('select 1 from work_queue where name = any($1) and cap is not null', [queues])
  if (capped.length > 0 || runs.some(({ key }) => key)) await lockEnqueue(query)
  const firsts = firstsOfKeys(runs)
  const found = await findKeys(query, [...firsts.values()])
  const isNew = (run: NewQueuedRun): boolean => firsts.get(keyOf(run)) === run && !found.has(run.id)
  const fresh = runs.filter(isNew)
  const made = new Map<string, Enqueued['run']>()
  for (let i = 0; i < fresh.length; i += BATCH) {
    for (const row of await insert(query, fresh.slice(i, i + BATCH))) made.set(row.id, flowRunOf(row))
  }
  if (capped.length > 0 && fresh.length > 0) await checkCaps(query, queues)
  if (fresh.length > 0) await query('select pg_notify($1, $2)', [CHANNEL.dispatch, 'queued'])
  return runs.map((run) => {
    const first = firsts.get(keyOf(run)) ?? run
    const known = found.get(first.id)
    const stored = known ?? made.get(first.id)
    if (!stored) throw new Error(`run ${first.id} was not stored`)
    return { run: stored, isKnown: run !== first || (known !== undefined && known.id !== run.id) }
  })
}

/** Who looks for keys, or at how full a queue is, before it queues something: one at a time. */
export async function lockEnqueue(query: Query): Promise<void> {
  await query('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS.dispatch, DISPATCH_LOCK.enqueue])
}

/** Whose workers take the tasks of a run. */
export function poolOf(id: string, executor: string, { workers, cluster }: JobRequest): string | undefined {
  if (executor !== 'cluster') return undefined
  if (workers.count > 0) return runPool(id)
  return cluster === undefined ? undefined : clusterPool(cluster)
}

/** Tells runs with the same key by the same text; those without one by their id. */
function keyOf({ id, flow, deployment, key }: NewQueuedRun): string {
  return key ? JSON.stringify([deployment ?? ` ${flow}`, key.scope, key.text]) : id
}

function firstsOfKeys(runs: readonly NewQueuedRun[]): Map<string, NewQueuedRun> {
  const firsts = new Map<string, NewQueuedRun>()
  for (const run of runs) if (!firsts.has(keyOf(run))) firsts.set(keyOf(run), run)
  return firsts
}

/** Runs that are there already under the keys of these, or under their ids, by the id of the one that is not to be made. */
async function findKeys(query: Query, runs: readonly NewQueuedRun[]): Promise<Map<string, Enqueued['run']>> {
  const keyed = runs.filter(({ key }) => key)
  if (keyed.length === 0) return new Map()
  const rows = await query<RunRow & { asked: string }>(
    `select u.asked, found.* from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
         as u (asked, deployment, flow, key, scope),
       lateral (select ${runColumns('r')} from flow_run r
         where ${KEY_OWNER('r')} = ${KEY_OWNER('u')} and r.key = u.key and r.key_scope = u.scope and ${HOLDS_KEY}
         limit 1) found`,
    [
      keyed.map(({ id }) => id),
      keyed.map(({ deployment }) => deployment ?? null),
      keyed.map(({ flow }) => flow),
      keyed.map(({ key }) => key?.text),
      keyed.map(({ key }) => key?.scope),
    ],
  )
  return new Map(rows.map(({ asked, ...row }) => [asked, flowRunOf(row)]))
}

async function insert(query: Query, runs: readonly NewQueuedRun[]): Promise<RunRow[]> {
  const rows = runs.map((run, i) => ({
    i,
    ...run,
    pool: poolOf(run.id, run.executor, run.job),
    key: run.key?.text,
    scope: run.key?.scope,
  }))
  const made = await query<RunRow>(
    `insert into flow_run (id, flow, name, state, params, env, executor, labels, source, deployment, queue, priority,
         launcher, job, queued, not_before, timeout, release, commit, key, key_scope, callbacks, pool)
       select id, flow, name, 'Scheduled', params, env, executor,
         coalesce((select array_agg(label) from jsonb_array_elements_text(labels) label), '{}'),
         source, deployment, queue, coalesce(priority, 0), launcher, job, now(), to_timestamp("notBefore" / 1000),
         timeout, release, commit, key, scope, callbacks, pool
       from jsonb_to_recordset($1::jsonb) as u (i int, id text, flow text, name text, params jsonb, env text,
         executor text, labels jsonb, source jsonb, deployment text, queue text, priority int, launcher text, job jsonb,
         "notBefore" float8, timeout bigint, release text, commit text, key text, scope text, callbacks jsonb, pool text)
       order by i
       on conflict (id) do nothing returning ${RUN_COLUMNS}`,
    [jsonText(rows)],
  )
  if (made.length === runs.length) return made
  // It was done before, and its answer was lost.
  return await query<RunRow>(`select ${RUN_COLUMNS} from flow_run where id = any($1)`, [runs.map(({ id }) => id)])
}

/** @throws UserError when one of the queues holds more than its cap; what was put in is taken out again with the rest */
async function checkCaps(query: Query, queues: readonly string[]): Promise<void> {
  const [full] = await query<{ name: string; cap: number; waiting: number }>(
    `select name, cap, waiting from work_queue q,
       lateral (select count(*)::int as waiting from flow_run where queue = q.name and state = 'Scheduled') w
     where name = any($1) and waiting > cap order by name limit 1`,
    [queues],
  )
  if (!full) return
  const { name, cap, waiting } = full
  throw new UserError(
    `queue ${name}: its cap is ${cap} waiting runs, and this would make it ${waiting}: nothing was queued`,
    `Wait for it to go down, or raise it: millrace queue set ${name} --cap N`,
  )
}
