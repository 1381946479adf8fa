import type { RunFacts } from '../slots/call.ts'
import type { TaskState } from '../states.ts'
import type { Failure } from '../values/failure.ts'
import { VERSION } from '../version.ts'
import type { Database } from './database.ts'
import { jsonText } from './json.ts'
import { CHANNEL } from './locks.ts'
import { ranges } from './ranges.ts'

/** A task run on its way into the queue. */
export interface QueuedTask {
  readonly seq: number
  readonly key: Uint8Array
  readonly task: string
  readonly attempt: number
  readonly priority: number
  readonly labels: readonly string[]
  /** Encoded, or a reference to a large value. */
  readonly args: Uint8Array
  /** Hash of the values that all items of the map share. */
  readonly shared: string | undefined
  readonly slot: SlotNeeds | undefined
}

/** How a slot must run a task: those of its options that matter there. */
export interface SlotNeeds {
  /** Milliseconds. */
  readonly timeout?: number
  /** Bytes. */
  readonly memory?: number
  readonly io?: true
}

export interface ClaimedTask {
  readonly seq: number
  readonly task: string
  readonly attempt: number
  readonly priority: number
  readonly args: Uint8Array
  readonly shared: string | null
  readonly slot: SlotNeeds | null
  /** How many workers died with it. */
  readonly deaths: number
  /** Attempt of the flow run that it was claimed in. */
  readonly runAttempt: number
}

export interface FinishedTask {
  readonly seq: number
  readonly attempt: number
  readonly state: TaskState
  readonly result: Uint8Array | undefined
  readonly failure: Failure | undefined
  readonly started: number
  readonly ended: number
}

export interface TaskOutcome {
  readonly seq: number
  readonly attempt: number
  readonly state: TaskState
  readonly result: Uint8Array | null
  readonly failure: Failure | null
  readonly started: number
  readonly ended: number
}

/** A task whose worker died this often is not given to another. */
export const MOST_DEATHS = 3

/** One more worker that dies with it, and it is given up: until it is known whether it was to blame, it runs alone. */
export function isSuspect({ deaths }: Pick<ClaimedTask, 'deaths'>): boolean {
  return deaths >= MOST_DEATHS - 1
}

/**
 * Puts tasks of a run into the queue: new ones, and known ones for a further attempt. The same call made again,
 * after a connection broke, changes nothing.
 */
export async function enqueue(database: Database, run: number, tasks: readonly QueuedTask[]): Promise<void> {
  const labelled = tasks.some((task) => task.labels.length > 0)
  await database.query(
    `with put as (
       insert into task_run (run, seq, key, task, attempt, priority, labels, args, shared, slot, state)
       select $1, u.seq, u.key, u.task, u.attempt, u.priority,
              coalesce((select array_agg(label) from jsonb_array_elements_text(u.labels) label), '{}'),
              u.args, u.shared, u.slot, 'Pending'
       from unnest($2::int[], $3::bytea[], $4::text[], $5::int[], $6::int[], $7::jsonb[], $8::bytea[], $9::text[], $10::jsonb[])
         as u (seq, key, task, attempt, priority, labels, args, shared, slot)
       on conflict (run, seq) do update set state = 'Pending', attempt = excluded.attempt, args = excluded.args,
         shared = excluded.shared, slot = excluded.slot, labels = excluded.labels, worker = null, deaths = '{}',
         result = null, failure = null, started = null, ended = null
       where task_run.attempt < excluded.attempt
       returning 1)
     select pg_notify('${CHANNEL.work}', $1::bigint::text) from (select count(*) from put) x`,
    [
      run,
      tasks.map((t) => t.seq),
      tasks.map((t) => Buffer.from(t.key.buffer, t.key.byteOffset, t.key.byteLength)),
      tasks.map((t) => t.task),
      tasks.map((t) => t.attempt),
      tasks.map((t) => t.priority),
      labelled ? tasks.map((t) => (t.labels.length > 0 ? JSON.stringify(t.labels) : null)) : tasks.map(() => null),
      tasks.map((t) => Buffer.from(t.args.buffer, t.args.byteOffset, t.args.byteLength)),
      tasks.map((t) => t.shared ?? null),
      tasks.map((t) => (t.slot ? JSON.stringify(t.slot) : null)),
    ],
    { name: 'enqueue' },
  )
}

/**
 * Takes up to `limit` waiting tasks of a run for a worker. Nothing, while the run is not Running, its driver has another
 * version of the engine, or the two are not of the same pool. Of tasks that two workers have died with it takes one at most: it is to run alone.
 *
 * Rows are found first and then updated by their place in the table: the planner knows nothing yet of a run that
 * is minutes old, and would join the two the wrong way round (measured: 250 ms for 500 tasks, against 3 ms).
 *
 * Not to be repeated when the connection broke: tasks may have been claimed that the worker does not know of.
 */
export async function claim(
  database: Database,
  run: number,
  worker: number,
  labels: readonly string[],
  limit: number,
): Promise<ClaimedTask[]> {
  return database.queryOnce<ClaimedTask & Record<string, unknown>>(
    `with going as materialized (
       select r.attempt from flow_run r where r.no = $1 and r.state = 'Running' and r.version = '${VERSION}'
         and exists (select from worker w where w.id = $2 and w.state = 'alive' and w.pool is not distinct from r.pool)),
     found as materialized (
       select ctid, cardinality(deaths) >= ${MOST_DEATHS - 1} as suspect from task_run
       where run = $1 and ended is null and state = 'Pending' and labels <@ $3::text[] and exists (select from going)
       order by priority desc, seq limit $4 for update skip locked),
     picked as materialized (
       select ctid from found where not suspect
       union all (select ctid from found where suspect limit 1))
     update task_run t set state = 'Running', worker = $2, started = now()
     from going where t.ctid = any(array(select ctid from picked))
     returning t.seq, t.task, t.attempt, t.priority, t.args, t.shared, t.slot, cardinality(t.deaths) as deaths,
       going.attempt as "runAttempt"`,
    [run, worker, labels, limit],
    'claim',
  )
}

/**
 * Writes down what became of tasks a worker had claimed, and tells the driver. A task that was taken from the
 * worker meanwhile (it was thought dead, or the run was cancelled) is left as it is.
 */
export async function finish(
  database: Database,
  run: number,
  worker: number,
  tasks: readonly FinishedTask[],
): Promise<void> {
  await database.query(
    `with found as materialized (
       select at.ctid, u.* from unnest($3::int[], $4::int[], $5::text[], $6::bytea[], $7::jsonb[], $8::float8[], $9::float8[])
         as u (seq, attempt, state, result, failure, started, ended),
       lateral (select t.ctid from task_run t
         where t.run = $1 and t.seq = u.seq and t.attempt = u.attempt and t.worker = $2 and t.state = 'Running'
         for update offset 0) at),
     done as (
       update task_run t set state = f.state, result = f.result, failure = f.failure,
         started = to_timestamp(f.started / 1000), ended = to_timestamp(f.ended / 1000)
       from found f where t.ctid = f.ctid
       returning 1)
     select pg_notify('millrace_run_' || $1::bigint, $10) from (select count(*) from done) x`,
    [
      run,
      worker,
      tasks.map((t) => t.seq),
      tasks.map((t) => t.attempt),
      tasks.map((t) => t.state),
      tasks.map((t) => t.result && Buffer.from(t.result.buffer, t.result.byteOffset, t.result.byteLength)),
      tasks.map((t) => (t.failure ? jsonText(t.failure) : null)),
      tasks.map((t) => t.started),
      tasks.map((t) => t.ended),
      `done ${ranges(tasks.map((t) => t.seq))}`,
    ],
    { name: 'finish' },
  )
}

/** Gives tasks back to the queue that a worker had claimed and will not run. */
export async function release(database: Database, run: number, worker: number, seqs: readonly number[]): Promise<void> {
  await database.query(
    `with found as materialized (
       select at.ctid from unnest($3::int[]) as u (seq),
       lateral (select t.ctid from task_run t
         where t.run = $1 and t.seq = u.seq and t.worker = $2 and t.state = 'Running' for update offset 0) at),
     back as (
       update task_run t set state = 'Pending', worker = null, started = null
       where t.ctid = any(array(select ctid from found)) returning 1)
     select pg_notify('${CHANNEL.work}', $1::bigint::text) from (select count(*) from back) x`,
    [run, worker, seqs],
    { name: 'release' },
  )
}

/** What a worker holds, according to the database: run and number of each task run. */
export async function held(database: Database, worker: number): Promise<{ run: number; seq: number }[]> {
  return database.query(
    `select t.run, t.seq from flow_run r, task_run t
     where r.state in ('Running', 'Paused', 'Cancelling', 'Retrying', 'Crashed') and t.run = r.no and t.ended is null
       and t.worker = $1 and t.state = 'Running'`,
    [worker],
  )
}

/** Outcomes of those of the given task runs that are over. */
export async function outcomes(database: Database, run: number, seqs: readonly number[]): Promise<TaskOutcome[]> {
  return database.query<TaskOutcome & Record<string, unknown>>(
    `select seq, attempt, state, result, failure, coalesce(started, ended) as started, ended from task_run
     where run = $1 and seq = any($2) and ended is not null`,
    [run, seqs],
    { name: 'outcomes' },
  )
}

/** Cancels task runs of a run, waiting or running; all of them where `seqs` is left out. */
export async function cancelTasks(
  database: Database,
  run: number,
  failure: Failure,
  seqs?: readonly number[],
): Promise<void> {
  const which = seqs ? ranges(seqs) : '*'
  await database.query(
    `with stopped as (
       update task_run set state = 'Cancelled', failure = $3, ended = now()
       where run = $1 and ended is null and state in ('Pending', 'Running') and ($2::int[] is null or seq = any($2))
       returning 1)
     select pg_notify('${CHANNEL.control}', 'cancel ' || $1::bigint || ' ' || $4),
            pg_notify('millrace_run_' || $1::bigint, 'done ' || $4)
     from (select count(*) from stopped) x`,
    [run, seqs ?? null, jsonText(failure), which],
  )
}

/** Runs of a pool that are going and have tasks waiting, oldest first. */
export async function hungryRuns(database: Database, pool: string | null): Promise<number[]> {
  const rows = await database.query<{ no: number }>(
    `select no from flow_run r where state = 'Running' and pool is not distinct from $1
       and exists (select from task_run t where t.run = r.no and t.ended is null and t.state = 'Pending') order by no`,
    [pool],
    { name: 'hungry-runs' },
  )
  return rows.map(({ no }) => no)
}

/** Whether a run is of this pool. */
export async function isOfPool(database: Database, run: number, pool: string | null): Promise<boolean> {
  const rows = await database.query(
    'select from flow_run where no = $1 and pool is not distinct from $2',
    [run, pool],
    { name: 'is-of-pool' },
  )
  return rows.length > 0
}

/** What a worker must know of a run, and where its code is. */
export async function runFacts(
  database: Database,
  run: number,
): Promise<{ facts: Omit<RunFacts, 'scratch'>; source: unknown; store: string | undefined } | undefined> {
  const [row] = await database.query<
    Omit<RunFacts, 'scratch'> & { source: unknown; store: string | null } & Record<string, unknown>
  >('select id, flow, name, given, env, attempt, source, store from flow_run where no = $1', [run])
  if (!row) return undefined
  const { source, store, ...facts } = row
  return { facts, source, store: store ?? undefined }
}
