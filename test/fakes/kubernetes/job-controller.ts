import type { Cluster } from './cluster.ts'
import type { Condition, Job, Pod } from './objects.ts'
import { breachesOf } from './validation.ts'

/** Of pods that the controller has not counted yet. */
export const TRACKED = 'batch.kubernetes.io/job-tracking'
const INDEX = 'batch.kubernetes.io/job-completion-index'

/**
 * Brings a Job nearer to what it is to be, as pkg/controller/job does it: counts pods that ended, gives the Job up or
 * completes it, deletes pods that are too many, makes those that lack. A pod that broke is replaced when its time to back off
 * is over.
 */
export function syncJob(cluster: Cluster, job: Job): void {
  if (isSo(job, 'Complete') || isSo(job, 'Failed')) return
  count(cluster, job)
  const why = whyItFails(cluster, job)
  if (why) fail(cluster, job, why)
  else if (job.spec.suspend) suspend(cluster, job)
  else proceed(cluster, job)
  const pods = cluster.podsOf(job)
  job.status.active = pods.filter(isActive).length
  job.status.terminating = pods.filter(isTerminating).length
  finish(cluster, job)
}

/** A tracked pod that ended is counted, and is then free to go. */
function count(cluster: Cluster, job: Job): void {
  const { status, spec } = job
  for (const pod of cluster.podsOf(job)) {
    if (!isTracked(pod)) continue
    const isGoing = isTerminating(pod) && spec.podReplacementPolicy === 'TerminatingOrFailed'
    if (pod.status.phase === 'Succeeded') status.succeeded = (status.succeeded ?? 0) + 1
    else if (pod.status.phase !== 'Failed' && !isGoing) continue
    else {
      const isCounted = !isIgnored(job, pod)
      if (isCounted) status.failed = (status.failed ?? 0) + 1
      noteBreak(cluster, job, pod, isCounted)
    }
    const index = indexOf(pod)
    if (pod.status.phase === 'Succeeded' && index !== undefined) {
      status.completedIndexes = withIndex(status.completedIndexes, index)
    }
    cluster.kubelet.release(pod)
  }
}

/** How often the pods of an index broke. */
interface Breaks {
  readonly counted: number
  readonly all: number
  readonly last: number
}

const BREAKS = new WeakMap<Job, Map<number, Breaks>>()
/** Doubled with each break (ms). */
const BACK_OFF = 10_000

function breaksOf(job: Job, index: number): Breaks {
  return BREAKS.get(job)?.get(index) ?? { counted: 0, all: 0, last: Number.NEGATIVE_INFINITY }
}

function noteBreak({ now }: Cluster, job: Job, pod: Pod, isCounted: boolean): void {
  const index = indexOf(pod) ?? 0
  const { counted, all } = breaksOf(job, index)
  const known = BREAKS.get(job) ?? new Map<number, Breaks>()
  known.set(index, { counted: counted + (isCounted ? 1 : 0), all: all + 1, last: Date.parse(now) })
  BREAKS.set(job, known)
}

function isBackingOff({ now }: Cluster, job: Job, index: number): boolean {
  const { all, last } = breaksOf(job, index)
  return Date.parse(now) < last + BACK_OFF * 2 ** (all - 1)
}

function isIgnored({ spec }: Job, { status }: Pod): boolean {
  return (
    spec.podFailurePolicy?.rules.some(
      ({ action, onPodConditions }) =>
        action === 'Ignore' &&
        onPodConditions?.some((each) =>
          status.conditions?.some(({ type, status }) => type === each.type && status === each.status),
        ),
    ) ?? false
  )
}

interface Why {
  readonly reason: string
  readonly message: string
}

function whyItFails({ now }: Cluster, job: Job): Why | undefined {
  const { spec, status } = job
  const going = isSo(job, 'FailureTarget')
  if (going) return { reason: going.reason ?? '', message: going.message ?? '' }
  if (spec.backoffLimitPerIndex === undefined && (status.failed ?? 0) > spec.backoffLimit) {
    return { reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' }
  }
  if (spec.suspend || spec.activeDeadlineSeconds === undefined || status.startTime === undefined) return undefined
  const active = (Date.parse(now) - Date.parse(status.startTime)) / 1000
  if (active < spec.activeDeadlineSeconds) return undefined
  return { reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' }
}

/** Pods that still run are told to go; the Job has failed when they are gone. */
function fail(cluster: Cluster, job: Job, { reason, message }: Why): void {
  set(cluster, job, { type: 'FailureTarget', status: 'True', reason, message })
  for (const pod of cluster.podsOf(job).filter(isActive)) cluster.kubelet.delete(pod, { isTracked: true })
}

/** Pods of a suspended Job do not count as failed. */
function suspend(cluster: Cluster, job: Job): void {
  for (const pod of cluster.podsOf(job).filter(isActive)) cluster.kubelet.delete(pod, { isTracked: false })
  set(cluster, job, { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' })
}

function proceed(cluster: Cluster, job: Job): void {
  const { status, spec } = job
  if (isSo(job, 'Suspended')) {
    set(cluster, job, { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' })
    status.startTime = cluster.now
  }
  status.startTime ??= cluster.now
  const pods = cluster.podsOf(job)
  const held = pods.filter((pod) => isActive(pod) || (spec.podReplacementPolicy === 'Failed' && isTerminating(pod)))
  if (spec.completionMode === 'Indexed') {
    const taken = new Set(held.map(indexOf))
    for (let index = 0; index < spec.completions; index++) {
      const isOver = hasIndex(status.completedIndexes, index) || isGivenUp(job, index)
      if (!taken.has(index) && !isOver && !isBackingOff(cluster, job, index)) makePod(cluster, job, index)
    }
    return
  }
  const lacking = Math.min(spec.parallelism, spec.completions - (status.succeeded ?? 0)) - held.length
  for (let each = 0; each < lacking; each++) makePod(cluster, job)
}

function isGivenUp(job: Job, index: number): boolean {
  const limit = job.spec.backoffLimitPerIndex
  return limit !== undefined && breaksOf(job, index).counted > limit
}

function finish(cluster: Cluster, job: Job): void {
  const { status, spec } = job
  const going = isSo(job, 'FailureTarget')
  // All of its pods have gone or ended, and are counted.
  if (status.terminating || status.active || cluster.podsOf(job).some(isTracked)) return
  if (going) {
    const { reason = '', message = '' } = going
    set(cluster, job, { type: 'Failed', status: 'True', reason, message })
    return
  }
  const isIndexed = spec.completionMode === 'Indexed'
  const givenUp = isIndexed ? [...(BREAKS.get(job)?.keys() ?? [])].filter((index) => isGivenUp(job, index)) : []
  const done = isIndexed ? (status.completedIndexes?.split(',').length ?? 0) : (status.succeeded ?? 0)
  if (done + givenUp.length < spec.completions) return
  if (givenUp.length > 0) {
    status.failedIndexes = givenUp.join(',')
    set(cluster, job, { type: 'Failed', status: 'True', reason: 'FailedIndexes', message: 'Job has failed indexes' })
    return
  }
  status.completionTime = cluster.now
  set(cluster, job, { type: 'SuccessCriteriaMet', status: 'True', reason: 'CompletionsReached', message: '' })
  set(cluster, job, { type: 'Complete', status: 'True', reason: 'CompletionsReached', message: '' })
}

function makePod(cluster: Cluster, job: Job, index?: number): void {
  const { metadata, spec } = job
  const { template } = spec
  const name = cluster.newName(index === undefined ? `${metadata.name}-` : `${metadata.name}-${index}-`)
  const account = template.spec.serviceAccountName ?? 'default'
  const breaches = breachesOf(template.spec)
  const no = (words: string): void =>
    cluster.record(job, 'Warning', 'FailedCreate', `Error creating: pods "${metadata.name}-" is forbidden: ${words}`)
  if (!cluster.accounts.has(account)) {
    no(`error looking up service account ${cluster.namespace}/${account}: serviceaccount "${account}" not found`)
    return
  }
  if (breaches.length > 0) {
    no(`violates PodSecurity "restricted:latest": ${breaches.join(', ')}`)
    return
  }
  if (cluster.pods.size >= cluster.quota) {
    no(`exceeded quota: pods, requested: pods=1, used: pods=${cluster.pods.size}, limited: pods=${cluster.quota}`)
    return
  }
  const owner = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    name: metadata.name,
    uid: metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  }
  const labels = { ...template.metadata?.labels, ...(index !== undefined && { [INDEX]: String(index) }) }
  const annotations = { ...template.metadata?.annotations, ...(index !== undefined && { [INDEX]: String(index) }) }
  cluster.kubelet.take({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: cluster.newMetadata({ name, labels, annotations, ownerReferences: [owner], finalizers: [TRACKED] }),
    spec: structuredClone(template.spec),
    status: { phase: 'Pending' },
  })
  cluster.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${name}`)
}

function isSo({ status }: Job, type: string): Condition | undefined {
  return status.conditions?.find((each) => each.type === type && each.status === 'True')
}

function set(cluster: Cluster, { status }: Job, { type, ...rest }: Omit<Condition, 'lastTransitionTime'>): void {
  const before = status.conditions?.find((each) => each.type === type)
  if (before?.status === rest.status) return
  const others = status.conditions?.filter((each) => each !== before) ?? []
  status.conditions = [...others, { type, ...rest, lastTransitionTime: cluster.now }]
}

function isTracked({ metadata }: Pod): boolean {
  return metadata.finalizers?.includes(TRACKED) ?? false
}

function isOver({ status: { phase } }: Pod): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

function isActive(pod: Pod): boolean {
  return !isOver(pod) && pod.metadata.deletionTimestamp === undefined
}

function isTerminating(pod: Pod): boolean {
  return !isOver(pod) && pod.metadata.deletionTimestamp !== undefined
}

function indexOf({ metadata }: Pod): number | undefined {
  const index = metadata.annotations?.[INDEX]
  return index === undefined ? undefined : Number(index)
}

function hasIndex(list: string | undefined, index: number): boolean {
  return list?.split(',').includes(String(index)) ?? false
}

function withIndex(list: string | undefined, index: number): string {
  return hasIndex(list, index) ? (list ?? '') : [...(list ? list.split(',') : []), String(index)].join(',')
}
