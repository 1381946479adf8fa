import { constants } from 'node:os'
import type { JobStatus } from '../../launcher.ts'
import { DRIVER, type JobFolder, type JobRecord } from './job-folder.ts'
import { thisPlace } from './place.ts'
import { presenceOf } from './supervisor.ts'

/** How far the driver of a job is, by what its folder says and what runs. */
export async function statusOf(job: JobFolder, { place }: JobRecord): Promise<JobStatus> {
  const code = await job.exitCode(DRIVER)
  if (code !== undefined) return ended(code, await job.has('cancelled'))
  const pid = await job.pid(DRIVER)
  const isHere = place === thisPlace()
  if (pid === undefined && (await job.has('cancelled'))) return cancelled('it was cancelled before it was started')
  if (pid === undefined && isHere) return { state: 'waiting' }
  if (pid !== undefined && isHere) {
    if ((await presenceOf({ pid, job: job.path, role: DRIVER })) !== 'gone') return { state: 'running' }
    // It may have ended since its end was looked for.
    const late = await job.exitCode(DRIVER)
    if (late !== undefined) return ended(late, await job.has('cancelled'))
  }
  const message = isHere
    ? 'it ended together with the shell that looks after it; somebody killed both'
    : 'this machine, or its container, was started anew since the job was launched'
  return { state: 'failed', reason: isHere ? 'unknown' : 'preempted', message }
}

/** @param code as the shell gives it: 128 and the signal's number for a process that a signal ended */
export function ended(code: number, wasCancelled: boolean): JobStatus {
  if (code === 0) return { state: 'succeeded', exitCode: code }
  if (wasCancelled) return { ...cancelled(`it was cancelled, and ended with exit code ${code}`), exitCode: code }
  return { state: 'failed', reason: 'exit', exitCode: code, message: wordsFor(code) }
}

function cancelled(message: string): JobStatus {
  return { state: 'failed', reason: 'cancelled', message }
}

function wordsFor(code: number): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? []
  const words = `its program ended with exit code ${code}`
  if (signal === undefined) return words
  return `${words} (${signal}${signal === 'SIGKILL' ? ': killed by somebody, or because memory ran out' : ''})`
}
