import type { V1ContainerStateTerminated, V1ContainerStateWaiting, V1Pod } from '@kubernetes/client-node'
import type { JobReason, JobStatus } from '../../launcher.ts'

/** Why an image is not there: reasons of containers that wait (kubelet: pkg/kubelet/images/types.go). */
const NO_IMAGE = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ErrImageInspect',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
])

/** Of containers that wait and are not stuck. */
const ON_ITS_WAY = new Set(['ContainerCreating', 'PodInitializing'])

/**
 * Why a pod was ended by whoever has the node: preempted for a more important one, shut down with its node (also as spot
 * machines are), lost with it, or turned away by a node that was full or not as expected after all.
 */
const TAKEN_AWAY =
  /^(Preempted|Preempting|Shutdown|NodeShutdown|Terminated|NodeLost|NodeAffinity|UnexpectedAdmissionError|OutOf\w+)$/

/** Of containers whose program could not be started at all. */
const NOT_STARTED = new Set(['StartError', 'ContainerCannotRun'])

/** Whether it may still do something. */
export function isAlive({ status }: V1Pod): boolean {
  return status?.phase !== 'Succeeded' && status?.phase !== 'Failed'
}

/** How far the one container of a pod that is never restarted is. Pure. */
export function podStatus(pod: V1Pod): JobStatus {
  switch (pod.status?.phase) {
    case 'Succeeded':
      return { state: 'succeeded', exitCode: 0 }
    case 'Failed':
      return failure(pod)
    case 'Running':
    case 'Unknown': // Its node does not answer.
      return { state: 'running' }
    default:
      return waiting(pod)
  }
}

function waiting({ status }: V1Pod): JobStatus {
  const container = status?.containerStatuses?.[0]?.state
  if (container?.running) return { state: 'running' }
  if (container?.waiting) return containerWaits(container.waiting)
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled')
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return { state: 'waiting' }
  return { state: 'waiting', reason: 'no-capacity', ...(scheduled.message && { message: scheduled.message }) }
}

function containerWaits({ reason, message }: V1ContainerStateWaiting): JobStatus {
  if (reason === undefined || ON_ITS_WAY.has(reason)) return { state: 'waiting' }
  return { state: 'waiting', reason: whyItWaits(reason), message: words(reason, message) }
}

function whyItWaits(reason: string): JobReason {
  if (NO_IMAGE.has(reason)) return 'image-pull'
  // A part of its definition cannot be had. Other reasons come from nodes, and may pass.
  return reason === 'CreateContainerConfigError' ? 'refused' : 'unknown'
}

function failure(pod: V1Pod): JobStatus {
  const { reason, message, conditions, containerStatuses } = pod.status ?? {}
  const ended = containerStatuses?.[0]?.state?.terminated
  const disrupted = conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True')
  const exitCode = ended && { exitCode: ended.exitCode }
  const failed = (why: JobReason, text: string | undefined): JobStatus => ({
    state: 'failed',
    reason: why,
    ...(text && { message: text }),
    ...exitCode,
  })
  if (reason === 'DeadlineExceeded') return failed('deadline', message)
  if (disrupted) return failed('preempted', words(reason ?? disrupted.reason, message ?? disrupted.message))
  // A pod that is evicted and not disrupted used more of its node's disk than it may.
  if (reason === 'Evicted') return failed('unknown', words(reason, message))
  if (reason && TAKEN_AWAY.test(reason)) return failed('preempted', words(reason, message))
  // Its node could not say how it ended.
  if (!ended || ended.reason === 'ContainerStatusUnknown') {
    return failed('preempted', words(reason ?? ended?.reason, message ?? ended?.message))
  }
  return failed(whyItEnded(ended), wordsOf(ended))
}

function whyItEnded({ reason }: V1ContainerStateTerminated): JobReason {
  if (reason === 'OOMKilled') return 'out-of-memory'
  return reason && NOT_STARTED.has(reason) ? 'refused' : 'exit'
}

function wordsOf({ reason, message, exitCode }: V1ContainerStateTerminated): string {
  return words(reason, message ?? `exit code ${exitCode}`)
}

function words(reason: string | undefined, message: string | undefined): string {
  return [reason, message].filter(Boolean).join(': ')
}
