/**
 * Advisory locks, as (class, number). Worker and driver: a session's, so that a process that holds one is alive, and
 * the server frees it the moment its connection ends. Log: a transaction's, of whoever writes log lines of a run.
 */
export const LOCK_CLASS = { worker: 7151, driver: 7152, log: 7153 } as const

/** SQL: whether somebody holds the lock (class, `number`). */
export function isLocked(kind: 'worker' | 'driver', number: string): string {
  return `exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = ${LOCK_CLASS[kind]} and l.objid = (${number})::bigint::oid)`
}

/** Notification channels. */
export const CHANNEL = {
  /** Payload: number of a run that has tasks waiting. */
  work: 'millrace_work',
  /** Payload: `cancel RUN SEQ,…` (`*` for all), `drain WORKER`, `restart WORKER`. */
  control: 'millrace_control',
  /** Payload: `done 0-99,105`, `state`, `logs`, `progress SEQ DONE TOTAL UNIT`. */
  run: (no: number): string => `millrace_run_${no}`,
} as const
