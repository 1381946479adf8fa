import type { ChildProcess } from 'node:child_process'
import type { Cluster } from './cluster.ts'
import { TRACKED } from './job-controller.ts'
import type { Container, ContainerState, Pod } from './objects.ts'
import { Refusal } from './refusal.ts'
import { schedule } from './scheduler.ts'

/** Starts what a container runs; it is out of memory at once where a test wants that. */
export type StartContainer = (container: Container) => ChildProcess | 'out of memory'

interface Ending {
  readonly exitCode: number
  readonly reason?: string
  readonly message?: string
}

/** Why a pod is ended from outside, as the pod says it afterwards. */
interface Disruption {
  readonly reason?: string
  readonly message?: string
  /** Reason and message of its condition `DisruptionTarget`. */
  readonly condition?: readonly [reason: string, message: string]
}

/**
 * Scheduler and nodes in one. A pod that can start does so at once; its container is a real process where the fake was given
 * a program, and otherwise runs until a test ends it.
 */
export class Kubelet {
  /** Images that cannot be had. */
  readonly missing = new Set<string>()
  /** Why no container can be made, for the next pods: reason and message. */
  broken: readonly [reason: string, message: string] | undefined
  /** Containers without a process take SIGTERM and go on, until {@link end}. */
  isStubborn = false
  private readonly cluster: Cluster
  private readonly start: StartContainer | undefined
  private readonly processes = new Map<string, ChildProcess>()
  private readonly logs = new Map<string, string>()
  private readonly disruptions = new Map<string, Disruption>()

  constructor(cluster: Cluster, start: StartContainer | undefined) {
    this.cluster = cluster
    this.start = start
  }

  /** A pod that was just made. */
  take(pod: Pod): void {
    this.cluster.pods.set(pod.metadata.name, pod)
    this.advance(pod)
  }

  /** Looks again at all pods that wait. */
  advanceAll(): void {
    for (const pod of [...this.cluster.pods.values()]) if (pod.status.phase === 'Pending') this.advance(pod)
  }

  /** The log of a pod's container so far. */
  print(pod: Pod, text: string): void {
    this.logs.set(pod.metadata.uid, this.log(pod) + text)
  }

  log(pod: Pod): string {
    return this.logs.get(pod.metadata.uid) ?? ''
  }

  /** @throws Refusal as the API answers where there is no log yet */
  readLog(pod: Pod, container: string, tail: number | undefined): string {
    const { name } = pod.metadata
    if (!pod.spec.containers.some((each) => each.name === container)) {
      throw new Refusal(400, 'BadRequest', `container ${container} is not valid for pod ${name}`)
    }
    if (pod.spec.nodeName === undefined)
      throw new Refusal(400, 'BadRequest', `pod ${name} does not have a host assigned`)
    const state = pod.status.containerStatuses?.[0]?.state
    if (state && 'waiting' in state) {
      const { reason } = state.waiting
      const words = /Image/.test(reason) ? 'trying and failing to pull image' : reason
      throw new Refusal(400, 'BadRequest', `container "${container}" in pod "${name}" is waiting to start: ${words}`)
    }
    const lines = this.log(pod).match(/[^\n]*\n|[^\n]+$/g) ?? []
    return (tail === undefined ? lines : tail === 0 ? [] : lines.slice(-tail)).join('')
  }

  /** Its container ends by itself. */
  end(pod: Pod, ending: Ending): void {
    const { status, metadata } = pod
    const { exitCode, reason, message } = ending
    const disruption = this.disruptions.get(metadata.uid)
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return
    status.phase = exitCode === 0 && !disruption ? 'Succeeded' : 'Failed'
    this.setState(pod, {
      terminated: {
        exitCode,
        reason: reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
        ...(message !== undefined && { message }),
        finishedAt: this.cluster.now,
      },
    })
    if (disruption) this.markDisrupted(pod, disruption)
    this.settle(pod)
  }

  /** The kernel ends it. */
  runOutOfMemory(pod: Pod): void {
    this.processes.get(pod.metadata.uid)?.kill('SIGKILL')
    this.end(pod, { exitCode: 137, reason: 'OOMKilled' })
  }

  /** Its node is shut down: spot machines go this way. The container has its time to go. */
  shutDownNode(pod: Pod): void {
    this.disrupt(pod, {
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      condition: ['TerminationByKubelet', 'Pod was terminated in response to imminent node shutdown.'],
    })
  }

  /** Its node runs out of something that the pod may have. */
  evict(pod: Pod): void {
    const message = 'The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 8Gi.'
    this.disrupt(pod, { reason: 'Evicted', message, condition: ['TerminationByKubelet', message] })
  }

  /** It writes more to its disk than it may: nobody else is to blame. */
  evictForDisk(pod: Pod): void {
    this.disrupt(pod, { reason: 'Evicted', message: 'Usage of EmptyDir volume "scratch" exceeds the limit "1Gi".' })
  }

  /** Its node vanishes: what garbage collection does minutes later, at once. The pod is gone without a word. */
  loseNode(pod: Pod): void {
    this.processes.get(pod.metadata.uid)?.kill('SIGKILL')
    this.disruptions.set(pod.metadata.uid, {
      condition: ['DeletionByPodGC', 'PodGC: node no longer exists'],
    })
    pod.metadata.deletionTimestamp = this.cluster.now
    this.markDisrupted(pod, this.disruptions.get(pod.metadata.uid) ?? {})
    pod.status.phase = 'Failed'
    this.settle(pod)
  }

  /** A person, or a node that is emptied, deletes it. */
  drain(pod: Pod): void {
    this.markDisrupted(pod, { condition: ['EvictionByEvictionAPI', 'Eviction API: evicting'] })
    this.delete(pod, { isTracked: true })
    this.cluster.syncOwnerOf(pod)
  }

  /** Tells a pod to go; it is there until it has. @param isTracked whether its Job still wants to count it */
  delete(pod: Pod, { isTracked }: { readonly isTracked: boolean }): void {
    const { metadata, status } = pod
    if (!isTracked) metadata.finalizers = []
    if (metadata.deletionTimestamp === undefined) {
      metadata.deletionTimestamp = this.cluster.now
      this.cluster.touch(metadata)
    }
    const child = this.processes.get(metadata.uid)
    if (status.phase === 'Running' && child) {
      this.terminate(pod, child)
      return
    }
    if (status.phase === 'Running' && this.isStubborn) return
    if (status.phase === 'Running' || status.phase === 'Pending') {
      // A pod that never started has no exit code.
      if (status.phase === 'Running') this.setState(pod, this.terminated(143))
      status.phase = 'Failed'
    }
    this.collect(pod)
  }

  /** Its Job has counted it. */
  release(pod: Pod): void {
    pod.metadata.finalizers = pod.metadata.finalizers?.filter((each) => each !== TRACKED) ?? []
    this.collect(pod)
  }

  /** Kills every process that is left. */
  close(): void {
    for (const child of this.processes.values()) child.kill('SIGKILL')
  }

  private advance(pod: Pod): void {
    const { status, spec, metadata } = pod
    const found = schedule(spec, this.cluster.nodes)
    if ('words' in found) {
      this.setCondition(pod, 'PodScheduled', 'False', 'Unschedulable', found.words)
      return
    }
    this.setCondition(pod, 'PodScheduled', 'True')
    spec.nodeName = found.node.name
    status.startTime ??= this.cluster.now
    const [container] = spec.containers
    if (!container) return
    if (this.missing.has(container.image)) {
      const { image } = container
      this.setState(pod, {
        waiting: {
          reason: 'ErrImagePull',
          message: `rpc error: code = NotFound desc = failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`,
        },
      })
      return
    }
    if (this.broken) {
      this.setState(pod, { waiting: { reason: this.broken[0], message: this.broken[1] } })
      return
    }
    status.phase = 'Running'
    this.setState(pod, { running: { startedAt: this.cluster.now } })
    const child = this.start?.(container)
    if (child === 'out of memory') this.runOutOfMemory(pod)
    else if (child) this.watch(pod, child)
    this.cluster.touch(metadata)
  }

  private watch(pod: Pod, child: ChildProcess): void {
    const { uid } = pod.metadata
    this.processes.set(uid, child)
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => this.print(pod, text))
    child.on('close', (code, signal) => {
      this.processes.delete(uid)
      this.end(pod, { exitCode: code ?? (signal === 'SIGKILL' ? 137 : 143) })
    })
  }

  private terminate(pod: Pod, child: ChildProcess): void {
    const grace = (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), grace)
    late.unref()
    child.on('close', () => clearTimeout(late))
  }

  private disrupt(pod: Pod, disruption: Disruption): void {
    const child = this.processes.get(pod.metadata.uid)
    this.disruptions.set(pod.metadata.uid, disruption)
    if (child) this.terminate(pod, child)
    else this.end(pod, { exitCode: 143 })
  }

  private markDisrupted(pod: Pod, { reason, message, condition }: Disruption): void {
    if (reason !== undefined) pod.status.reason = reason
    if (message !== undefined) pod.status.message = message
    if (condition) this.setCondition(pod, 'DisruptionTarget', 'True', condition[0], condition[1])
  }

  /** It has ended: its Job is told, and it goes if it was to go. */
  private settle(pod: Pod): void {
    this.cluster.touch(pod.metadata)
    this.collect(pod)
    this.cluster.syncOwnerOf(pod)
  }

  private collect(pod: Pod): void {
    const { metadata, status } = pod
    const isOver = status.phase === 'Succeeded' || status.phase === 'Failed'
    if (isOver && metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length) {
      this.cluster.pods.delete(metadata.name)
    }
  }

  private terminated(exitCode: number): ContainerState {
    return { terminated: { exitCode, reason: 'Error', finishedAt: this.cluster.now } }
  }

  private setState(pod: Pod, state: ContainerState): void {
    const [container] = pod.spec.containers
    if (!container) return
    const { name, image } = container
    pod.status.containerStatuses = [{ name, image, restartCount: 0, ready: 'running' in state, state }]
    this.cluster.touch(pod.metadata)
  }

  private setCondition(pod: Pod, type: string, status: 'True' | 'False', reason?: string, message?: string): void {
    const others = pod.status.conditions?.filter((each) => each.type !== type) ?? []
    const made = { type, status, lastTransitionTime: this.cluster.now }
    const words = { ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) }
    pod.status.conditions = [...others, { ...made, ...words }]
  }
}
