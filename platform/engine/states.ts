/** States of a flow run, as Prefect names them. */
export const RUN_STATES = [
  'Scheduled',
  'Pending',
  'Running',
  'Retrying',
  'Paused',
  'Cancelling',
  'Cancelled',
  'Completed',
  'Failed',
  'Crashed',
] as const
export type RunState = (typeof RUN_STATES)[number]

/** States of a task run: those of a flow run, and two of its own. */
export const TASK_STATES = [
  'Pending',
  'Running',
  'Retrying',
  'Completed',
  'Cached',
  'Skipped',
  'Failed',
  'Crashed',
  'Cancelled',
] as const
export type TaskState = (typeof TASK_STATES)[number]

/** A finished task run in one of these is in the journal: a restarted driver takes its result and does not run it again. */
export const JOURNALLED = ['Completed', 'Cached', 'Skipped'] as const satisfies readonly TaskState[]

/** A flow run in one of these can be driven again. */
export const RESUMABLE = ['Failed', 'Crashed', 'Cancelled'] as const satisfies readonly RunState[]

const FINAL_RUN: readonly RunState[] = ['Completed', 'Failed', 'Crashed', 'Cancelled']
const FINAL_TASK: readonly TaskState[] = ['Completed', 'Cached', 'Skipped', 'Failed', 'Crashed', 'Cancelled']

/** What may follow each state of a flow run. A final state may be left only by resuming the run. */
const NEXT: Readonly<Record<RunState, readonly RunState[]>> = {
  Scheduled: ['Pending', 'Running', 'Cancelled', 'Failed', 'Crashed'],
  Pending: ['Scheduled', 'Running', 'Cancelling', 'Cancelled', 'Failed', 'Crashed'],
  Running: ['Completed', 'Failed', 'Crashed', 'Cancelling', 'Cancelled', 'Paused', 'Retrying'],
  Retrying: ['Running', 'Failed', 'Crashed', 'Cancelling', 'Cancelled'],
  Paused: ['Running', 'Cancelling', 'Cancelled', 'Failed', 'Crashed'],
  Cancelling: ['Cancelled', 'Crashed', 'Completed', 'Failed'],
  Completed: [],
  Failed: ['Retrying', 'Scheduled'],
  Crashed: ['Retrying', 'Scheduled'],
  Cancelled: ['Retrying', 'Scheduled'],
}

/** Whether a flow run in this state is over. */
export function isFinalRun(state: RunState): boolean {
  return FINAL_RUN.includes(state)
}

/** Whether a task run in this state is over. */
export function isFinalTask(state: TaskState): boolean {
  return FINAL_TASK.includes(state)
}

/** States from which a flow run may go to `to`. */
export function runStatesBefore(to: RunState): RunState[] {
  return RUN_STATES.filter((from) => NEXT[from].includes(to))
}
