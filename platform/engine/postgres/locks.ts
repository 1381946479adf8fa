/**
 * Advisory locks, as (class, number). Worker, driver and agent: a session's, so that a process that holds one is alive,
 * and the server frees it the moment its connection ends. Log: a transaction's, of whoever writes log lines of a run.
 * Turn: a session's, of whoever does what one does at a time. Dispatch: a transaction's, see {@link DISPATCH_LOCK}.
 */
export const LOCK_CLASS = { worker: 7151, driver: 7152, log: 7153, agent: 7154, turn: 7155, dispatch: 7156 } as const

/**
 * What of dispatch one transaction does at a time. The lock is taken in a statement of its own, before those that it
 * guards: a statement sees what was committed before it began, and not what was committed while it waited.
 */
export const DISPATCH_LOCK = { claim: 1, enqueue: 2, deployments: 3 } as const

/** SQL: whether somebody holds the lock (class, `number`). */
export function isLocked(kind: 'worker' | 'driver' | 'agent', number: string): string {
  return `exists (
    select from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = ${LOCK_CLASS[kind]} and l.objid = (${number})::bigint::oid)`
}

/** SQL: the numbers of all locks of a class that are held, as an array: cheaper than {@link isLocked} for many rows. */
export function locked(kind: 'driver' | 'agent'): string {
  return `array(
    select l.objid::bigint from pg_locks l
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())
      and l.classid = ${LOCK_CLASS[kind]})`
}

/** Notification channels. */
export const CHANNEL = {
  /** Payload: number of a run that has tasks waiting. */
  work: 'millrace_work',
  /** Payload: `cancel RUN SEQ,…` (`*` for all), `drain WORKER`, `restart WORKER`. */
  control: 'millrace_control',
  /** Payload: `queued`, `over RUN` (one of a queue), `room` (a limit was changed), `notice` (somebody is to be told). */
  dispatch: 'millrace_dispatch',
  /** Payload: `done 0-99,105`, `state`, `logs`, `progress SEQ DONE TOTAL UNIT`. */
  run: (no: number): string => `millrace_run_${no}`,
} as const
