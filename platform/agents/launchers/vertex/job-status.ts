import type { JobReason, JobStatus } from '../../launcher.ts'
import type { CustomJob } from './api.ts'

/** Pure: how far a job is. */
export function customJobStatus(job: CustomJob): JobStatus {
  const { state, error } = job
  switch (state) {
    case 'JOB_STATE_SUCCEEDED':
    case 'JOB_STATE_PARTIALLY_SUCCEEDED':
      return { state: 'succeeded', exitCode: 0 }
    case 'JOB_STATE_RUNNING':
    case 'JOB_STATE_UPDATING':
    case 'JOB_STATE_CANCELLING':
      return { state: 'running' }
    case 'JOB_STATE_FAILED':
      return failed(job)
    case 'JOB_STATE_CANCELLED':
      return cancelled(error?.message || 'the job was cancelled')
    case 'JOB_STATE_EXPIRED':
      return { state: 'failed', reason: 'deadline', message: error?.message || 'the job has expired' }
    case 'JOB_STATE_QUEUED':
      return { state: 'waiting', reason: 'no-capacity', message: QUEUED }
    default:
      return { state: 'waiting' }
  }
}

/** For a moment every job is; one that stays so waits: https://cloud.google.com/vertex-ai/docs/training/understanding-training-service */
const QUEUED = 'JOB_STATE_QUEUED: it waits until the project has quota enough for its machines'

function cancelled(message: string): JobStatus {
  return { state: 'failed', reason: isAboutTime(message) ? 'deadline' : 'cancelled', message }
}

/** A program that ended is told of as "The replica workerpool0-0 exited with a non-zero status of 3." */
function failed({ error, startTime }: CustomJob): JobStatus {
  const { code, message } = { code: error?.code ?? 0, message: error?.message || 'the job failed' }
  const [, pool, status, signal] =
    /replica workerpool(\d+)-\d+ .*?exited with a non-zero status of (\d+)(\(SIG\w+\))?/s.exec(message) ?? []
  const known = reasonOf(code, message, pool)
  // A machine that was taken away is told of as one that cannot be had.
  const reason = known === 'no-capacity' && startTime ? 'preempted' : known
  const exitCode = Number(status) + (signal ? 128 : 0)
  return { state: 'failed', reason, message, ...(reason === 'exit' && { exitCode }) }
}

function reasonOf(code: number, message: string, pool: string | undefined): JobReason {
  if (/out[- ]of[- ]memory/i.test(message)) return 'out-of-memory'
  if (/preempt/i.test(message)) return 'preempted'
  if (pool === '0') return 'exit'
  // A worker that ended again and again takes the job along; its exit code is not the driver's.
  if (pool !== undefined) return 'unknown'
  if (isAboutImage(message)) return 'image-pull'
  if (isAboutTime(message) || code === DEADLINE_EXCEEDED) return 'deadline'
  if (isAboutCapacity(message)) return 'no-capacity'
  if (/quota/i.test(message) || code === PERMISSION_DENIED || code === INVALID_ARGUMENT) return 'refused'
  return code === CANCELLED ? 'cancelled' : 'unknown'
}

const CANCELLED = 1
const INVALID_ARGUMENT = 3
const DEADLINE_EXCEEDED = 4
const PERMISSION_DENIED = 7

function isAboutImage(message: string): boolean {
  return /\bimage\b.*\b(not found|does not exist|denied|cannot be pulled)|\b(pull|fetch|access|find)\w*\b.*\bimage\b/is.test(
    message,
  )
}

function isAboutTime(message: string): boolean {
  return /time-?out|timed out|deadline|max\w* (running|run) time/i.test(message)
}

function isAboutCapacity(message: string): boolean {
  return /resources are insufficient|insufficient resources|stock-?out|capacity|not have enough resources/i.test(
    message,
  )
}
