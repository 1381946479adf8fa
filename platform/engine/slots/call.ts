import type { LogEntry, Progress, RunInfo } from '@millrace/sdk'
import type { Failure } from '../values/failure.ts'

/** One attempt at one task run, as a slot needs it. Values are encoded (values/codec.ts). */
export interface SlotCall {
  readonly seq: number
  readonly task: string
  readonly attempt: number
  /** Encoded list of the call's own arguments. */
  readonly args: Uint8Array
  /** The arguments that all items of a map share, encoded once; they follow the call's own. */
  readonly shared?: SharedArgs | undefined
  /** Milliseconds. */
  readonly timeout?: number | undefined
  /** Bytes. */
  readonly memory?: number | undefined
  /** Waits for the network: may run beside others of its kind on one thread. */
  readonly io?: boolean | undefined
  /** Higher runs earlier among the calls of the same run. @default 0 */
  readonly priority?: number | undefined
}

export interface SharedArgs {
  readonly hash: string
  readonly bytes: Uint8Array
}

/** What became of one attempt. Times are milliseconds since the epoch. */
export interface Outcome {
  readonly state: 'Completed' | 'Skipped' | 'Failed' | 'Cancelled' | 'Crashed'
  readonly result?: Uint8Array | undefined
  /** For Failed, Cancelled, Crashed; for Skipped, `message` holds the reason. */
  readonly failure?: Failure | undefined
  readonly started: number
  readonly ended: number
}

/** Where log lines and progress of task runs go. */
export interface TaskEvents {
  log(seq: number, task: string, entry: LogEntry): void
  progress(seq: number, task: string, progress: Progress): void
}

/** What a slot is told about the run. */
export interface RunFacts extends Omit<RunInfo, 'params' | 'config'> {
  /** Parameters and config as the flow gets them, encoded: secrets in them travel as references. */
  readonly given: Uint8Array
}
