import type { LogEntry, Progress, TaskDefinition } from '@millrace/sdk'
import type { Outcome, SlotCall } from '../slots/call.ts'

export const EXECUTORS = ['inline', 'threads', 'cluster'] as const
export type ExecutorKind = (typeof EXECUTORS)[number]

/** One attempt at one task run. */
export interface ExecutorCall extends SlotCall {
  readonly definition: TaskDefinition
  /** The call's name in the journal. */
  readonly key: Uint8Array
  /** An earlier driver of the run may have handed in this very attempt: it waits, runs, or has just ended. */
  readonly adopted: boolean
}

/**
 * Where the tasks of one flow run are run. Three implementations, one conformance suite:
 * inline (this thread), threads (of this process), cluster (workers anywhere, over Postgres).
 * Retries, limits, caching and the journal are not its business: it runs one attempt at a time.
 */
export interface Executor {
  readonly kind: ExecutorKind
  /** How many calls it is good to have with it at once. */
  readonly window: number
  /** It writes task runs into the run store itself. */
  readonly records: boolean
  /** Runs one attempt; `done` is called exactly once, and never before `run` has returned. */
  run(call: ExecutorCall, done: (outcome: Outcome) => void): void
  /** Stops the calls of these numbers, or all: their outcome will be Cancelled, unless they are over already. */
  cancel(reason: string, seqs?: ReadonlySet<number>): void
  /** Passes on the last news and lets go of everything. Calls still open get no outcome. */
  close(): Promise<void>
}

/** News of running tasks, for whoever started the run. */
export interface TaskNews {
  log(source: string, entry: LogEntry): void
  progress(seq: number, task: string, progress: Progress): void
  /** The executor itself has something to say: no workers, the database is away. */
  warn(message: string): void
  /** The executor cannot go on: the run fails. */
  broken(error: Error): void
}
