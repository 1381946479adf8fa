/** Queue of all tasks. */
export const QUEUE = 'tasks'

/** What a run's driver is told through: how many more of its tasks are done. */
export function channelOf(run: number): string {
  return `done_${run}`
}

/** One row a task, as our engine's own table has. */
export const CREATE_JOURNAL = `create table if not exists journal (
  run int, seq int, task text, attempt int, state text, result bytea, started timestamptz, ended timestamptz,
  primary key (run, seq))`

/** Writes down the tasks of a batch and tells the driver, in one statement. */
export const WRITE_JOURNAL = `with written as (
    insert into journal (run, seq, task, attempt, state, result, started, ended)
    select $1, u.seq, 'inc', 1, 'Completed', u.result, to_timestamp($4::float8 / 1000), now()
    from unnest($2::int[], $3::bytea[]) as u (seq, result)
    on conflict (run, seq) do nothing returning 1)
  select pg_notify('done_' || $1::int, count(*)::text) from written`
