import { afterEach, beforeEach, expect, it } from 'vitest'
import type { JobStatus, Launcher } from '../../../platform/agents/launcher.ts'
import { jobStatus } from '../../../platform/agents/launchers/kubernetes/job-status.ts'
import { kubernetesLauncher } from '../../../platform/agents/launchers/kubernetes.ts'
import { fakeKubernetes, type KubernetesFake } from '../../fakes/kubernetes/api-server.ts'
import type { Cluster } from '../../fakes/kubernetes/cluster.ts'
import type { Pod } from '../../fakes/kubernetes/objects.ts'
import { NODES } from '../../fakes/kubernetes/scheduler.ts'
import { specOf } from '../../fakes/kubernetes/specs.ts'

let fake: KubernetesFake
let cluster: Cluster
let launcher: Launcher
beforeEach(async () => {
  fake = await fakeKubernetes()
  cluster = fake.cluster
  launcher = kubernetesLauncher({ kubeConfig: fake.kubeConfig, stack: 'test' })
})
afterEach(() => fake.close())

/** What becomes of a job whose driver runs, when this happens to its pod. Status and list must agree. */
async function after(happen: (pod: Pod) => void): Promise<JobStatus> {
  const handle = await launcher.launch(specOf())
  happen(podOf(handle))
  return await agreed(handle)
}

function podOf(handle: string): Pod {
  const [pod] = cluster.podsOf(cluster.readJob(handle))
  if (!pod) throw new Error(`the job ${handle} has no pod`)
  return pod
}

async function agreed(handle: string): Promise<JobStatus> {
  const status = await launcher.status(handle)
  expect((await launcher.list()).find((job) => job.handle === handle)?.status).toEqual(status)
  return status
}

const TAKEN: Record<string, [happen: (pod: Pod) => void, words: RegExp]> = {
  'its node is shut down, as spot machines are': [
    (pod) => cluster.kubelet.shutDownNode(pod),
    /^Terminated: Pod was terminated in response to imminent node shutdown/,
  ],
  'its node runs out of disk': [(pod) => cluster.kubelet.evict(pod), /^Evicted: The node was low on resource/],
  'its node is lost, and nobody knows how it ended': [
    (pod) => cluster.kubelet.loseNode(pod),
    /its pod was deleted, or its node is gone \(Job has reached the specified backoff limit\)/,
  ],
  'its node is emptied': [(pod) => cluster.kubelet.drain(pod), /its pod was deleted, or its node is gone/],
  'somebody deletes its pod': [
    (pod) => {
      cluster.kubelet.delete(pod, { isTracked: true })
      cluster.syncOwnerOf(pod)
    },
    /its pod was deleted, or its node is gone/,
  ],
}

for (const [what, [happen, words]] of Object.entries(TAKEN)) {
  it(`says that its machine was taken away when ${what}`, async () => {
    expect(await after(happen)).toMatchObject({
      state: 'failed',
      reason: 'preempted',
      message: expect.stringMatching(words),
    })
  })
}

it('does not blame its machine when it used more disk than it may', async () => {
  expect(await after((pod) => cluster.kubelet.evictForDisk(pod))).toMatchObject({
    state: 'failed',
    reason: 'unknown',
    message: expect.stringContaining('exceeds the limit'),
  })
})

it('says that a program could not be started at all', async () => {
  const message = 'exec: "/app/bin/node": stat /app/bin/node: no such file or directory'
  const end = { exitCode: 128, reason: 'StartError', message }
  expect(await after((pod) => cluster.kubelet.end(pod, end))).toEqual({
    state: 'failed',
    reason: 'refused',
    message: `StartError: ${message}`,
    exitCode: 128,
  })
})

it('says that the kernel ended it for its memory', async () => {
  expect(await after((pod) => cluster.kubelet.runOutOfMemory(pod))).toMatchObject({
    reason: 'out-of-memory',
    exitCode: 137,
  })
})

it('takes a driver that left when it was told to for what it is, with its exit code', async () => {
  expect(await after((pod) => cluster.kubelet.end(pod, { exitCode: 143 }))).toMatchObject({
    state: 'failed',
    reason: 'exit',
    exitCode: 143,
  })
})

it('goes on while a driver that is past its deadline still drains, and is not its exit code then', async () => {
  cluster.kubelet.isStubborn = true
  const handle = await launcher.launch(specOf({ deadline: Date.now() + 60_000 }))
  const pod = podOf(handle)
  cluster.passTime(61_000)
  expect(await agreed(handle)).toEqual({ state: 'running' })
  cluster.kubelet.end(pod, { exitCode: 143 })
  expect(await agreed(handle)).toEqual({
    state: 'failed',
    reason: 'deadline',
    message: 'Job was active longer than specified deadline',
  })
})

it('goes on while a driver that was cancelled still drains', async () => {
  cluster.kubelet.isStubborn = true
  const handle = await launcher.launch(specOf())
  const pod = podOf(handle)
  await launcher.cancel(handle)
  expect(await agreed(handle)).toEqual({ state: 'running' })
  cluster.kubelet.end(pod, { exitCode: 143 })
  expect(await agreed(handle)).toEqual({ state: 'failed', reason: 'cancelled' })
})

it('is past its deadline already when its driver has gone, before the Job is marked as failed', () => {
  const uid = 'a-uid'
  const at = new Date()
  const condition = { type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded', lastTransitionTime: at }
  const job = { metadata: { uid }, status: { conditions: [condition] } }
  const owner = { apiVersion: 'batch/v1', kind: 'Job', name: 'a-job', uid }
  const state = { terminated: { exitCode: 143, reason: 'Error' } }
  const container = { name: 'driver', image: '', imageID: '', ready: false, restartCount: 0, state }
  const pod = { metadata: { ownerReferences: [owner] }, status: { phase: 'Failed', containerStatuses: [container] } }
  expect(jobStatus({ job, pods: [pod] })).toEqual({ state: 'failed', reason: 'deadline' })
})

it('refuses at once what a container cannot be made of', async () => {
  cluster.kubelet.broken = ['CreateContainerConfigError', 'secret "database" not found']
  expect(await agreed(await launcher.launch(specOf()))).toEqual({
    state: 'waiting',
    reason: 'refused',
    message: 'CreateContainerConfigError: secret "database" not found',
  })
})

it('only tells of what a node may get over by itself', async () => {
  cluster.kubelet.broken = ['CreateContainerError', 'context deadline exceeded']
  expect(await agreed(await launcher.launch(specOf()))).toMatchObject({ state: 'waiting', reason: 'unknown' })
})

it('says which account is not there, where the controller cannot make its pod', async () => {
  const account = 'flow-hello@example.iam.gserviceaccount.com'
  expect(await agreed(await launcher.launch(specOf({ account })))).toMatchObject({
    state: 'waiting',
    reason: 'refused',
    message: expect.stringContaining('serviceaccount "flow-hello" not found'),
  })
})

it('waits for room where a quota is used up', async () => {
  cluster.quota = 0
  const handle = await launcher.launch(specOf())
  expect(await agreed(handle)).toMatchObject({
    state: 'waiting',
    reason: 'no-capacity',
    message: expect.stringContaining('exceeded quota'),
  })
  cluster.quota = 1
  cluster.passTime(1000)
  expect(await agreed(handle)).toEqual({ state: 'running' })
})

it('does not take the pods of an earlier job of its name for its own', async () => {
  cluster.kubelet.isStubborn = true
  const spec = specOf()
  await launcher.remove(await launcher.launch(spec))
  cluster.nodes = NODES.map((node) => ({ ...node, isFull: true }))
  const handle = await launcher.launch(spec)
  expect(cluster.pods.size).toBe(2)
  expect(await agreed(handle)).toMatchObject({ state: 'waiting', reason: 'no-capacity' })
  expect(await launcher.tail(handle)).toEqual([])
})

it('asks for events only where a pod is missing', async () => {
  await launcher.launch(specOf())
  await launcher.list()
  expect(fake.requests).not.toContain('GET events')
})
