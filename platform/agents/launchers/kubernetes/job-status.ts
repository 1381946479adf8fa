import type { CoreV1Event, V1Job, V1JobCondition, V1Pod } from '@kubernetes/client-node'
import type { JobStatus } from '../../launcher.ts'
import { phaseOf } from './phase.ts'
import { isAlive, podStatus } from './pod-status.ts'

/** What the cluster has of one driver. */
export interface JobParts {
  readonly job: V1Job
  /** Those of the Job; others are passed over. */
  readonly pods: readonly V1Pod[]
  /** Why pods could not be made. */
  readonly events?: readonly CoreV1Event[]
}

const CANCELLED: JobStatus = { state: 'failed', reason: 'cancelled' }

/** How far a driver is. Pure. */
export function jobStatus(parts: JobParts): JobStatus {
  const { job } = parts
  const pod = newestPod(parts)
  const isCancelled = phaseOf(job) === 'cancelled'
  if (isSo(job, 'Complete')) return { state: 'succeeded', exitCode: 0 }
  // It is over only when its pod is: until then it still drains.
  if (pod && isAlive(pod)) return podStatus(pod)
  const failed = isSo(job, 'Failed') ?? isSo(job, 'FailureTarget')
  if (failed) return failure(failed, pod, isCancelled)
  if (isCancelled && isSo(job, 'Suspended')) return CANCELLED
  if (pod) return podStatus(pod)
  if (isCancelled) return { state: job.status?.startTime ? 'running' : 'waiting' }
  return withoutPod(parts)
}

/** A pod that ended by itself is kept as long as its Job is. One that is not there any more was taken away. */
function failure({ reason, message }: V1JobCondition, pod: V1Pod | undefined, isCancelled: boolean): JobStatus {
  if (reason === 'DeadlineExceeded') return { state: 'failed', reason: 'deadline', ...(message && { message }) }
  if (pod) return podStatus(pod)
  if (isCancelled) return CANCELLED
  const words = `its pod was deleted, or its node is gone (${message ?? reason})`
  return { state: 'failed', reason: 'preempted', message: words }
}

/** Whether events may say why it has no pod. */
export function isWithoutPod(parts: JobParts): boolean {
  const { job } = parts
  return !newestPod(parts) && job.spec?.suspend !== true && !isSo(job, 'Complete') && !isSo(job, 'Failed')
}

/** The pod of a Job, and of no earlier Job of that name. */
export function newestPod({ job, pods }: JobParts): V1Pod | undefined {
  return pods
    .filter(({ metadata }) => metadata?.ownerReferences?.some(({ uid }) => uid === job.metadata?.uid))
    .sort((a, b) => age(a) - age(b))
    .at(-1)
}

function age({ metadata }: V1Pod): number {
  return metadata?.creationTimestamp?.getTime() ?? 0
}

function isSo({ status }: V1Job, type: string): V1JobCondition | undefined {
  return status?.conditions?.find((each) => each.type === type && each.status === 'True')
}

/**
 * The controller tries again and again to make a pod. A quota has room when others end; what is forbidden or invalid
 * otherwise (an account that is not there) stays so.
 */
function withoutPod({ job, events = [] }: JobParts): JobStatus {
  const message = events
    .filter(({ involvedObject }) => involvedObject.uid === job.metadata?.uid)
    .sort((a, b) => when(a) - when(b))
    .at(-1)?.message
  if (message === undefined) return { state: 'waiting' }
  if (/exceeded quota/.test(message)) return { state: 'waiting', reason: 'no-capacity', message }
  const isForGood = /is forbidden|is invalid|denied the request/.test(message)
  return { state: 'waiting', reason: isForGood ? 'refused' : 'unknown', message }
}

function when({ lastTimestamp, eventTime, metadata }: CoreV1Event): number {
  return (lastTimestamp ?? eventTime ?? metadata.creationTimestamp)?.getTime() ?? 0
}
