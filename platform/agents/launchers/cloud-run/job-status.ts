import type { JobReason, JobStatus } from '../../launcher.ts'
import type { Condition, Execution, RunJob, Task } from './api.ts'

/** Pure: how far a job is whose driver has no execution yet. */
export function definedStatus({ terminalCondition }: RunJob): JobStatus {
  if (terminalCondition?.state !== 'CONDITION_FAILED') return { state: 'waiting' }
  return {
    state: 'failed',
    reason: isAboutImage(terminalCondition) ? 'image-pull' : 'refused',
    ...words(terminalCondition),
  }
}

/**
 * Pure: how far a driver is.
 * @param tasks of its execution: one, where Google had come to it
 */
export function executionStatus(execution: Execution, tasks: readonly Task[]): JobStatus {
  const completed = conditionOf(execution, 'Completed')
  switch (completed?.state) {
    case 'CONDITION_SUCCEEDED':
      return { state: 'succeeded', exitCode: 0 }
    case 'CONDITION_FAILED':
      return failed(completed, tasks[0])
    default:
      return (execution.runningCount ?? 0) > 0 ? { state: 'running' } : waiting(execution)
  }
}

function failed(completed: Condition, task: Task | undefined): JobStatus {
  const attempt = task?.lastAttemptResult
  const message = completed.message || attempt?.status?.message || 'the execution failed'
  const exitCode = attempt?.exitCode || exitCodeIn(message)
  const reason = reasonOf(completed, `${attempt?.status?.message ?? ''} ${message}`, exitCode)
  return { state: 'failed', reason, message, ...(reason === 'exit' && exitCode && { exitCode }) }
}

/**
 * Google tells by words what was the end of a container: "The configured memory limit was reached.", "The configured
 * timeout was reached.", "The container exited with an error.", all of them with the same reason in its enumeration.
 */
function reasonOf(completed: Condition, message: string, exitCode: number | undefined): JobReason {
  if (completed.executionReason === 'CANCELLED' || completed.executionReason === 'DELETED') return 'cancelled'
  if (isAboutImage(completed)) return 'image-pull'
  if (/memory limit/i.test(message)) return 'out-of-memory'
  if (/timeout was reached|maximum timeout/i.test(message)) return 'deadline'
  if (/cancelled by user/i.test(message)) return 'cancelled'
  if (exitCode) return 'exit'
  return isAboutCapacity(message) ? 'no-capacity' : 'unknown'
}

/** "Task NAME-task0 failed with exit code: 3 and message: …"; 0 stands there for none. */
function exitCodeIn(message: string): number | undefined {
  const [, code] = /exit code: (\d+)/.exec(message) ?? []
  return Number(code) || undefined
}

function waiting(execution: Execution): JobStatus {
  const open = (execution.conditions ?? []).find(({ state, message }) => state !== 'CONDITION_SUCCEEDED' && message)
  if (!open) return { state: 'waiting' }
  if (isAboutImage(open)) return { state: 'waiting', reason: 'image-pull', ...words(open) }
  return { state: 'waiting', ...(isAboutCapacity(open.message ?? '') && { reason: 'no-capacity' }), ...words(open) }
}

const ABOUT_IMAGE: ReadonlySet<unknown> = new Set([
  'CONTAINER_MISSING',
  'CONTAINER_PERMISSION_DENIED',
  'CONTAINER_IMAGE_UNAUTHORIZED',
  'CONTAINER_IMAGE_AUTHORIZATION_CHECK_FAILED',
])

function isAboutImage({ reason, message }: Condition): boolean {
  return ABOUT_IMAGE.has(reason) || /\bimage\b.* (not found|could not be (pulled|imported))/i.test(message ?? '')
}

function isAboutCapacity(message: string): boolean {
  return /capacity|insufficient|resources? (is|are) (unavailable|exhausted)|quota/i.test(message)
}

function words({ message }: Condition): { message?: string } {
  return message ? { message } : {}
}

function conditionOf({ conditions }: Execution, type: string): Condition | undefined {
  return conditions?.find((each) => each.type === type)
}
