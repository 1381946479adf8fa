import type { LogEntry, Progress, TaskDefinition } from '@millrace/sdk'
import type { Outcome, SlotCall } from '../slots/call.ts'

export const EXECUTORS = ['inline', 'threads', 'cluster'] as const
export type ExecutorKind = (typeof EXECUTORS)[number]

/** One attempt at one task run. */
export interface ExecutorCall extends SlotCall {
  readonly definition: TaskDefinition
  /** The call's name in the journal. */
  readonly key: Uint8Array
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
  /** Runs one attempt; `done` is called exactly once. */
  run(call: ExecutorCall, done: (outcome: Outcome) => void): void
  /** Stops one call, or all: its outcome will be Cancelled, unless it is over already. */
  cancel(reason: string, seq?: number): void
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
