import { LOG_LEVELS, type LogLevel } from '@millrace/sdk'
import type { NewLog, StoredLog } from '../store/run-store.ts'
import type { Database } from './database.ts'
import { jsonText, plainText } from './json.ts'
import { LOCK_CLASS } from './locks.ts'

const LARGEST_INSERT = 2000

/**
 * Writes log lines of one run and says that there are some. One writer of a run at a time: whoever reads on from the
 * last number it saw then misses none. A crash of the database may lose the lines of its last moment; those of a task
 * are safe when its outcome is, which is written later.
 */
export async function appendLogLines(database: Database, run: number, lines: readonly NewLog[]): Promise<void> {
  for (let i = 0; i < lines.length; i += LARGEST_INSERT) await insert(database, run, lines.slice(i, i + LARGEST_INSERT))
}

async function insert(database: Database, run: number, lines: readonly NewLog[]): Promise<void> {
  await database.query(
    `with turn as materialized (
       select pg_advisory_xact_lock(${LOCK_CLASS.log}, $1::int), set_config('synchronous_commit', 'off', true)),
     written as (
       insert into log_line (run, time, level, source, message, fields)
       select $1, to_timestamp(u.time / 1000), u.level, u.source, u.message, u.fields
       from turn, unnest($2::float8[], $3::int[], $4::text[], $5::text[], $6::jsonb[]) as u (time, level, source, message, fields)
       returning 1)
     select pg_notify('millrace_run_' || $1::int, 'logs') from (select count(*) from written) x`,
    [
      run,
      lines.map((line) => line.time),
      lines.map((line) => LOG_LEVELS.indexOf(line.level)),
      lines.map((line) => line.source),
      lines.map((line) => plainText(line.message)),
      lines.map((line) => (line.fields ? jsonText(line.fields) : null)),
    ],
    { name: 'append-logs' },
  )
}

export async function readLogLines(
  database: Database,
  run: number,
  { after = 0, level = 'debug', limit = 1000 }: { after?: number; level?: LogLevel; limit?: number },
): Promise<StoredLog[]> {
  const rows = await database.query<{
    id: number
    time: number
    level: number
    source: string
    message: string
    fields: Record<string, unknown> | null
  }>(
    `select id, time, level, source, message, fields from log_line
     where run = $1 and id > $2 and level >= $3 order by id limit $4`,
    [run, after, LOG_LEVELS.indexOf(level), limit],
    { name: 'logs' },
  )
  return rows.map(({ fields, ...row }) => ({
    ...row,
    level: LOG_LEVELS[row.level] ?? 'info',
    ...(fields && { fields }),
  }))
}

/** Number of the last line of a run so far; 0 when there is none. */
export async function lastLogLine(database: Database, run: number): Promise<number> {
  const [row] = await database.query<{ id: number }>(
    'select coalesce((select id from log_line where run = $1 order by id desc limit 1), 0) as id',
    [run],
  )
  return row?.id ?? 0
}
