import { randomBytes, randomUUID } from 'node:crypto'
import { syncJob } from './job-controller.ts'
import { Kubelet, type StartContainer } from './kubelet.ts'
import type { Event, Job, Metadata, Pod } from './objects.ts'
import { alreadyExists, invalid, notFound } from './refusal.ts'
import { NODES, type Node } from './scheduler.ts'
import { validateChange, validateJob } from './validation.ts'

const MAX_INT32 = 2 ** 31 - 1

/** One namespace of a cluster: its objects, and what goes on by itself among them. Nothing happens later: only `now` passes. */
export class Cluster {
  readonly namespace: string
  readonly jobs = new Map<string, Job>()
  readonly pods = new Map<string, Pod>()
  readonly events: Event[] = []
  /** Names of Kubernetes service accounts. */
  readonly accounts = new Set(['default'])
  /** The machines. */
  nodes: readonly Node[] = NODES
  /** Pods that there may be at once, by a quota. */
  quota = Number.POSITIVE_INFINITY
  readonly kubelet: Kubelet
  private version = 1000
  private ahead = 0

  constructor(namespace: string, start: StartContainer | undefined) {
    this.namespace = namespace
    this.kubelet = new Kubelet(this, start)
  }

  get now(): string {
    return new Date(Date.now() + this.ahead).toISOString().replace(/\.\d+Z$/, 'Z')
  }

  /** Lets time pass: deadlines come, and what is finished for long enough goes. */
  passTime(ms: number): void {
    this.ahead += ms
    for (const job of [...this.jobs.values()]) {
      if (!this.jobs.has(job.metadata.name)) continue
      this.sync(job)
      const { ttlSecondsAfterFinished: kept } = job.spec
      const finished = job.status.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed')
      const age = finished && (Date.parse(this.now) - Date.parse(finished.lastTransitionTime)) / 1000
      if (kept !== undefined && age !== undefined && age >= kept) this.deleteJob(job.metadata.name)
    }
  }

  /** Lets a job be active for longer than it was. */
  age(job: Job, ms: number): void {
    const { startTime = this.now } = job.status
    job.status.startTime = new Date(Date.parse(startTime) - ms).toISOString()
    this.sync(job)
  }

  createJob(given: Pick<Job, 'metadata' | 'spec'>): Job {
    const name = given.metadata?.name ?? ''
    const there = this.jobs.get(name)
    if (there) throw alreadyExists('jobs.batch', name, there.metadata.deletionTimestamp !== undefined)
    const job = this.withDefaults(given)
    validateJob(job)
    this.jobs.set(name, job)
    this.sync(job)
    return job
  }

  readJob(name: string): Job {
    const job = this.jobs.get(name)
    if (!job) throw notFound('jobs.batch', name)
    return job
  }

  changeJob(name: string, change: (job: Job) => Job): Job {
    const before = this.readJob(name)
    const after = change(before)
    if (after.metadata.name !== name || after.metadata.uid !== before.metadata.uid) {
      throw invalid('Job.batch', name, ['metadata.uid: Invalid value: field is immutable'])
    }
    validateChange(before, after)
    // The status is another resource: it is not changed by the way.
    after.status = before.status
    Object.assign(before, after)
    this.touch(before.metadata)
    this.sync(before)
    return before
  }

  /** In the background: what it owns is told to go. */
  deleteJob(name: string): void {
    const job = this.readJob(name)
    this.jobs.delete(name)
    const isOwned = ({ ownerReferences }: Metadata): boolean =>
      ownerReferences?.some(({ uid }) => uid === job.metadata.uid) ?? false
    for (const pod of this.podsOf(job)) this.kubelet.delete(pod, { isTracked: false })
    for (const other of [...this.jobs.values()]) if (isOwned(other.metadata)) this.deleteJob(other.metadata.name)
  }

  podsOf({ metadata: { uid } }: Job): Pod[] {
    return [...this.pods.values()].filter((pod) => pod.metadata.ownerReferences?.some((owner) => owner.uid === uid))
  }

  /** Lets the controller look at what a pod is of. */
  syncOwnerOf(pod: Pod): void {
    const uid = pod.metadata.ownerReferences?.[0]?.uid
    for (const job of this.jobs.values()) if (job.metadata.uid === uid) this.sync(job)
  }

  /** Until nothing changes any more. */
  sync(job: Job): void {
    for (let before = ''; before !== JSON.stringify(job.status); ) {
      before = JSON.stringify(job.status)
      syncJob(this, job)
      if (before !== JSON.stringify(job.status)) this.touch(job.metadata)
    }
  }

  newMetadata(given: Partial<Metadata> & { readonly name: string }): Metadata {
    const { uid: _uid, resourceVersion: _version, ...rest } = given
    return {
      ...rest,
      namespace: this.namespace,
      uid: randomUUID(),
      resourceVersion: String(this.version++),
      creationTimestamp: this.now,
    }
  }

  /** As `generateName` makes them. */
  newName(prefix: string): string {
    return `${prefix}${randomBytes(3).toString('hex').slice(0, 5)}`
  }

  touch(metadata: Metadata): void {
    metadata.resourceVersion = String(this.version++)
  }

  get currentVersion(): string {
    return String(this.version)
  }

  /** The same again is counted, not kept twice. */
  record({ kind, metadata: { name, uid } }: Job | Pod, type: Event['type'], reason: string, message: string): void {
    const known = this.events.find((each) => each.involvedObject.uid === uid && each.message === message)
    if (known) {
      known.lastTimestamp = this.now
      known.count++
      return
    }
    this.events.push({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: this.newMetadata({ name: `${name}.${randomBytes(8).toString('hex')}` }),
      type,
      reason,
      message,
      involvedObject: { kind, name, namespace: this.namespace, uid },
      firstTimestamp: this.now,
      lastTimestamp: this.now,
      count: 1,
    })
  }

  private withDefaults({ metadata, spec }: Pick<Job, 'metadata' | 'spec'>): Job {
    const made = this.newMetadata(metadata)
    const labels = {
      'batch.kubernetes.io/controller-uid': made.uid,
      'batch.kubernetes.io/job-name': made.name,
      'controller-uid': made.uid,
      'job-name': made.name,
    }
    const isPerIndex = spec.backoffLimitPerIndex !== undefined
    const isOnlyFailed = spec.podFailurePolicy !== undefined
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: made,
      spec: {
        ...spec,
        suspend: spec.suspend ?? false,
        parallelism: spec.parallelism ?? 1,
        completions: spec.completions ?? 1,
        completionMode: spec.completionMode ?? 'NonIndexed',
        backoffLimit: spec.backoffLimit ?? (isPerIndex ? MAX_INT32 : 6),
        podReplacementPolicy: spec.podReplacementPolicy ?? (isOnlyFailed ? 'Failed' : 'TerminatingOrFailed'),
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': made.uid } },
        template: {
          ...spec.template,
          metadata: { ...spec.template.metadata, labels: { ...spec.template.metadata?.labels, ...labels } },
        },
      },
      status: {},
    }
  }
}
