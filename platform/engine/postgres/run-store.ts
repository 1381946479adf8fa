import { type LogLevel, UserError } from '@millrace/sdk'
import type { FlowSource } from '../flow-source.ts'
import { type RunState, runStatesBefore, type TaskState } from '../states.ts'
import { ambiguous } from '../store/ambiguous.ts'
import { newRunId } from '../store/run-id.ts'
import type {
  FlowRun,
  JournalEntry,
  NewLog,
  NewRun,
  RunEvent,
  RunFilter,
  RunLease,
  RunPage,
  RunStore,
  StateChange,
  StoredLog,
  TaskCounts,
  TaskRecord,
  TaskRun,
} from '../store/run-store.ts'
import { decode } from '../values/codec.ts'
import { Database, type DatabaseOptions } from './database.ts'
import { jsonText } from './json.ts'
import { CHANNEL, isLocked } from './locks.ts'
import { appendLogLines, readLogLines } from './log-lines.ts'
import { flowRunOf, RUN_COLUMNS, type RunRow, withoutNulls } from './run-row.ts'
import { takeRun } from './take-run.ts'
import { LargeValues } from './values.ts'

/** Runs whose numbers are kept at hand. */
const REMEMBERED = 10_000

/** A run store in Postgres, which is also what drivers and workers of a cluster meet in. */
export class PostgresStore implements RunStore {
  readonly kind = 'postgres'
  readonly durable = true
  readonly database: Database
  readonly values: LargeValues
  private readonly numbers = new Map<string, number>()

  private constructor(database: Database) {
    this.database = database
    this.values = new LargeValues(database)
  }

  /** @throws UserError when nothing answers at `url` */
  static async open(url: string, options: DatabaseOptions = {}): Promise<PostgresStore> {
    return new PostgresStore(await Database.open(url, options))
  }

  /** The number of a run: what its task runs, values, locks and channels are keyed by. */
  async number(id: string): Promise<number> {
    const known = this.numbers.get(id)
    if (known !== undefined) return known
    const [row] = await this.database.query<{ no: number }>('select no from flow_run where id = $1', [id])
    if (!row) throw new Error(`there is no run ${id}`)
    this.numbers.set(id, row.no)
    return row.no
  }

  async createRun(run: NewRun): Promise<FlowRun> {
    const id = newRunId()
    const params = JSON.stringify(run.params)
    if (params !== jsonText(run.params)) {
      throw new UserError(
        `flow ${run.flow}: a parameter has a zero byte or half a character in it: it cannot be stored`,
      )
    }
    const [row] = await this.database.query<RunRow>(
      `with made as (
         insert into flow_run (id, flow, name, state, params, env, executor, labels, source)
         values ($1, $2, $3, 'Pending', $4, $5, $6, $7, $8) on conflict (id) do nothing returning ${RUN_COLUMNS})
       select * from made
       union all select ${RUN_COLUMNS} from flow_run where id = $1 and not exists (select from made)`,
      [
        id,
        run.flow,
        run.name,
        params,
        run.env,
        run.executor,
        run.labels ?? [],
        run.source ? JSON.stringify(run.source) : null,
      ],
    )
    return this.remember(row)
  }

  async findRun(id: string): Promise<FlowRun | undefined> {
    const rows = await this.database.query<RunRow>(
      `select ${RUN_COLUMNS} from flow_run where id = $1 or (length($1) > 0 and starts_with(id, $1)) limit 6`,
      [id],
    )
    const exact = rows.find((row) => row.id === id) ?? rows[0]
    if (exact && exact.id !== id && rows.length > 1) {
      throw ambiguous(
        id,
        rows.map((row) => row.id),
      )
    }
    return exact && this.remember(exact)
  }

  async listRuns(filter: RunFilter = {}): Promise<RunPage> {
    const { limit = 50 } = filter
    const rows = await this.database.query<RunRow>(
      `select ${RUN_COLUMNS} from flow_run
       where ($1::text is null or flow = $1) and ($2::text[] is null or state = any($2))
         and ($3::float8 is null or created >= to_timestamp($3 / 1000))
         and ($4::text is null or no < (select no from flow_run where id = $4))
         and ($6::text is null or deployment = $6) and ($7::text is null or queue = $7)
         and ($8::text is null or $8 = any(labels))
       order by no desc limit $5`,
      [
        filter.flow ?? null,
        filter.states ?? null,
        filter.since ?? null,
        filter.after ?? null,
        limit + 1,
        filter.deployment ?? null,
        filter.queue ?? null,
        filter.label ?? null,
      ],
    )
    const runs = rows.slice(0, limit).map((row) => this.remember(row))
    const last = runs.at(-1)
    return rows.length > limit && last ? { runs, next: last.id } : { runs }
  }

  async setState(id: string, state: RunState, more: StateChange = {}): Promise<FlowRun | undefined> {
    const result = more.result && (await this.values.spill(await this.number(id), more.result))
    const [row] = await this.database.query<RunRow>(
      `with changed as (
         update flow_run set state = $2, message = $3, failure = $4, result = $7,
           ended = case when $2 in ('Completed', 'Failed', 'Crashed', 'Cancelled') then now() end
         -- A driver of before has no say in a run that waits to be launched again.
         where id = $1 and ($6::int is null or attempt = $6 and (attempt = 0 or state not in ('Scheduled', 'Pending')))
           and (state = any($5) or (state = $2 and message is not distinct from $3)
             -- Given up too early: its driver is alive, and says how it ended.
             or ($6 is not null and state = 'Crashed'))
         returning ${RUN_COLUMNS}),
       -- Of what a flow left running, nothing can come any more; but a driver that vanished may come back for it.
       left_over as (
         update task_run t set state = 'Cancelled', ended = now() from changed c
         where c.state in ('Completed', 'Failed', 'Cancelled') and t.run = c.no and t.ended is null returning t.run),
       told as (
         select pg_notify('millrace_run_' || no, 'state'),
                case when state = 'Running' then pg_notify('${CHANNEL.work}', no::text)
                     when exists (select from left_over) then pg_notify('${CHANNEL.control}', 'cancel ' || no || ' *') end
         from changed)
       select changed.* from changed, told`,
      [
        id,
        state,
        more.message ?? null,
        more.failure ? jsonText(more.failure) : null,
        runStatesBefore(state),
        more.attempt ?? null,
        result ? Buffer.from(result) : null,
      ],
    )
    return row && this.remember(row)
  }

  /** What the flow function of a completed run returned; undefined where that is not kept. */
  async runResult(id: string): Promise<unknown> {
    const [row] = await this.database.query<{ no: number; result: Buffer | null }>(
      'select no, result from flow_run where id = $1',
      [id],
    )
    return row?.result ? decode(await this.values.restore(row.no, row.result)) : undefined
  }

  async reopen(id: string, source: FlowSource | undefined): Promise<FlowRun | undefined> {
    const [row] = await this.database.query<RunRow>(
      `update flow_run set state = 'Retrying', source = coalesce($2, source), message = null, ended = null
       where id = $1 and state = any($3) and not ${isLocked('driver', 'no')} returning ${RUN_COLUMNS}`,
      [id, source ? JSON.stringify(source) : null, [...runStatesBefore('Retrying'), 'Retrying']],
    )
    return row && this.remember(row)
  }

  async takeRun(id: string, given?: Uint8Array, launch?: number, name?: string): Promise<RunLease> {
    const { row, lost, release } = await takeRun(this.database, await this.number(id), id, { given, launch, name })
    return { run: this.remember(row), lost, release }
  }

  async recordTasks(id: string, records: readonly TaskRecord[]): Promise<void> {
    if (records.length === 0) return
    const no = await this.number(id)
    const results = await Promise.all(records.map((record) => record.result && this.values.spill(no, record.result)))
    await this.database.query(
      `insert into task_run (run, seq, key, task, state, attempt, created, started, ended, result, failure)
       select $1, u.seq, u.key, u.task, u.state, u.attempt, to_timestamp(u.created / 1000),
              to_timestamp(u.started / 1000), to_timestamp(u.ended / 1000), u.result, u.failure
       from unnest($2::int[], $3::bytea[], $4::text[], $5::text[], $6::int[], $7::float8[], $8::float8[], $9::float8[],
                   $10::bytea[], $11::jsonb[])
         as u (seq, key, task, state, attempt, created, started, ended, result, failure)
       on conflict (run, seq) do update set state = excluded.state, attempt = excluded.attempt,
         started = excluded.started, ended = excluded.ended, result = excluded.result, failure = excluded.failure`,
      [
        no,
        records.map((r) => r.seq),
        records.map((r) => Buffer.from(r.key)),
        records.map((r) => r.task),
        records.map((r) => r.state),
        records.map((r) => r.attempt),
        records.map((r) => r.created),
        records.map((r) => r.started ?? null),
        records.map((r) => r.ended ?? null),
        results.map((bytes) => (bytes ? Buffer.from(bytes) : null)),
        records.map((r) => (r.failure ? jsonText(r.failure) : null)),
      ],
      { name: 'record-tasks' },
    )
  }

  async journal(id: string): Promise<JournalEntry[]> {
    return this.database.query<JournalEntry & Record<string, unknown>>(
      `select seq, encode(key, 'hex') as key, state, attempt from task_run where run = $1 order by seq`,
      [await this.number(id)],
    )
  }

  async results(id: string, seqs: readonly number[]): Promise<Map<number, Uint8Array>> {
    const no = await this.number(id)
    const rows = await this.database.query<{ seq: number; result: Buffer }>(
      'select seq, result from task_run where run = $1 and seq = any($2) and result is not null',
      [no, seqs],
    )
    const found = new Map<number, Uint8Array>()
    for (const { seq, result } of rows) found.set(seq, await this.values.restore(no, result))
    return found
  }

  async taskRuns(
    id: string,
    { states, after = -1, limit = 1000 }: { states?: readonly TaskState[]; after?: number; limit?: number } = {},
  ): Promise<TaskRun[]> {
    const rows = await this.database.query<{ [K in keyof TaskRun]: TaskRun[K] | null } & { seq: number }>(
      `select t.seq, t.task, t.state, t.attempt, w.name as worker, t.deaths, t.failure, t.created, t.started, t.ended
       from task_run t left join worker w on w.id = t.worker
       where t.run = $1 and t.seq > $2 and ($3::text[] is null or t.state = any($3)) order by t.seq limit $4`,
      [await this.number(id), after, states ?? null, limit],
    )
    return rows.map((row) => withoutNulls(row) as unknown as TaskRun)
  }

  async taskCounts(id: string): Promise<TaskCounts> {
    const rows = await this.database.query<{ task: string; state: TaskState; n: number }>(
      'select task, state, count(*)::int as n from task_run where run = $1 group by task, state order by min(seq)',
      [await this.number(id)],
    )
    const counts: Record<string, Partial<Record<TaskState, number>>> = {}
    for (const { task, state, n } of rows) counts[task] = { ...counts[task], [state]: n }
    return counts
  }

  async cached(keys: readonly string[]): Promise<Map<string, Uint8Array>> {
    const rows = await this.database.query<{ key: string; result: Buffer }>(
      'select key, result from task_cache where key = any($1) and expires > now()',
      [keys],
    )
    return new Map(rows.map(({ key, result }) => [key, result]))
  }

  async cache(key: string, result: Uint8Array, lifetime: number): Promise<void> {
    await this.database.query(
      `insert into task_cache (key, result, expires) values ($1, $2, now() + $3 * interval '1 ms')
       on conflict (key) do update set result = excluded.result, created = now(), expires = excluded.expires`,
      [key, Buffer.from(result), lifetime],
    )
  }

  async appendLogs(id: string, lines: readonly NewLog[]): Promise<void> {
    if (lines.length === 0) return
    await appendLogLines(this.database, await this.number(id), lines)
  }

  async logs(id: string, filter: { after?: number; level?: LogLevel; limit?: number } = {}): Promise<StoredLog[]> {
    return readLogLines(this.database, await this.number(id), filter)
  }

  async listen(id: string, listener: (event: RunEvent) => void): Promise<() => void> {
    const session = await this.database.session({
      channels: [CHANNEL.run(await this.number(id))],
      name: `millrace watch ${id}`,
      onNotify: (_channel, payload) => {
        if (payload === 'state' || payload === 'logs') listener(payload)
      },
      // What was said meanwhile is lost: look at everything.
      onReconnect: () => {
        listener('state')
        listener('logs')
      },
    })
    return () => void session.close()
  }

  async prune(before: number, { dryRun = false }: { dryRun?: boolean } = {}): Promise<string[]> {
    const old = await this.database.query<{ no: number; id: string }>(
      `select no, id from flow_run where ended < to_timestamp($1::float8 / 1000)
         and state in ('Completed', 'Failed', 'Crashed', 'Cancelled') order by no`,
      [before],
    )
    if (dryRun) return old.map(({ id }) => id)
    for (const { no } of old) {
      // The run's own row goes last: after a break in between, the next pruning finds the rest.
      await this.database.query('delete from log_line where run = $1', [no])
      await this.database.query('delete from task_run where run = $1', [no])
      await this.database.query('delete from ledger where run = $1', [no])
      await this.database.query('delete from notice where run = $1', [no])
      await this.values.removeRun(no)
      await this.database.query('delete from flow_run where no = $1', [no])
    }
    await this.database.query('delete from task_cache where expires < now()')
    await this.database.query(`delete from worker where ended < to_timestamp($1::float8 / 1000)`, [before])
    await this.database.query(
      `delete from agent where seen < to_timestamp($1::float8 / 1000) and not ${isLocked('agent', 'id')}`,
      [before],
    )
    await this.database.query(
      `delete from deployment d where gone < to_timestamp($1::float8 / 1000)
         and not exists (select from flow_run r where r.deployment = d.name)`,
      [before],
    )
    return old.map(({ id }) => id)
  }

  async close(): Promise<void> {
    await this.database.close()
  }

  private remember(row: RunRow | undefined): FlowRun {
    if (!row) throw new Error('the database gave no row back')
    this.numbers.set(row.id, row.no)
    const [oldest] = this.numbers.keys()
    if (this.numbers.size > REMEMBERED && oldest !== undefined) this.numbers.delete(oldest)
    return flowRunOf(row)
  }
}
