import type { ContainerInspectInfo } from 'dockerode'
import type { JobReason, JobStatus } from '../../launcher.ts'

type ContainerState = Pick<
  ContainerInspectInfo['State'],
  'Status' | 'Running' | 'OOMKilled' | 'ExitCode' | 'Error' | 'FinishedAt'
>

/** A shell's way to say that a process was ended by SIGKILL, or SIGTERM; docker does the same. */
const KILLED = 137
const TOLD_TO_GO = 143
/** An engine that was not there when a container ended, for its machine went down, does not know its exit code. */
const LOST = 255

/** Whether a container was never started, or could not be. */
export function isNew({ Status: status }: Pick<ContainerState, 'Status'>): boolean {
  return status === 'created'
}

/**
 * Pure: how far a driver is, by its container.
 * @param deadline of its job (ms since the epoch)
 */
export function readStatus(state: ContainerState, deadline = Number.POSITIVE_INFINITY): JobStatus {
  const { Running: isRunning, Error: words, ExitCode: exitCode, OOMKilled: isOverLimit, FinishedAt: end } = state
  if (isNew(state)) return words ? { state: 'failed', reason: 'refused', message: words } : { state: 'waiting' }
  if (isRunning) return { state: 'running' }
  if (exitCode === 0) return { state: 'succeeded', exitCode }
  const failed = (reason: JobReason, more = ''): JobStatus => {
    return { state: 'failed', reason, message: words || `Exited (${exitCode})${more}`, exitCode }
  }
  if (isOverLimit) return failed('out-of-memory', ', OOMKilled: it took more than its memory limit')
  if (exitCode === LOST) return failed('preempted', ': the engine, or its machine, went down while it ran')
  const isStopped = exitCode === KILLED || exitCode === TOLD_TO_GO
  if (isStopped && Date.parse(end) >= deadline) return failed('deadline')
  return failed('exit', exitCode === KILLED ? ': it was killed' : '')
}

/** Pure: the same, of a driver that somebody stopped, or wanted to. */
export function readCancelled(status: JobStatus): JobStatus {
  if (status.state !== 'failed' && status.state !== 'waiting') return status
  return {
    ...status,
    state: 'failed',
    reason: 'cancelled',
    message: status.message ?? 'it was cancelled before it began',
  }
}
