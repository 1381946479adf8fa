import type { Settled, SubmittedTask, TaskDefinition } from '@millrace/sdk'
import type { Outcome, SharedArgs } from '../slots/call.ts'
import type { TaskState } from '../states.ts'
import type { JournalEntry, TaskRecord } from '../store/run-store.ts'
import type { Limited } from './limits.ts'
import type { TaskTally } from './task-tally.ts'

/** One call of a task by the flow, until it is settled. */
export interface TaskCall extends Limited {
  readonly seq: number
  readonly key: Uint8Array
  readonly definition: TaskDefinition
  /** Encoded. */
  readonly args: Uint8Array
  readonly shared: SharedArgs | undefined
  readonly created: number
  readonly cacheKey: string | undefined
  readonly tally: TaskTally
  readonly submitted: SubmittedTask
  readonly settle: (result: Settled<unknown>) => void
  /** What an earlier attempt at the run left of it. */
  readonly before: JournalEntry | undefined
  /** It may be waiting or running already, for an earlier driver. */
  adopted: boolean
  /** The attempt that this driver began with. */
  readonly firstAttempt: number
  attempt: number
  over: boolean
  /** It is with the executor. */
  given: boolean
  retry: NodeJS.Timeout | undefined
}

/** What the run store keeps of a call that the driver ran itself. */
export function recordOf(
  { seq, key, task, attempt, created }: TaskCall,
  state: TaskState,
  { result, failure, started, ended }: Pick<Outcome, 'result' | 'failure' | 'started' | 'ended'>,
): TaskRecord {
  return { seq, key, task, state, attempt, created, started, ended, result, failure }
}
