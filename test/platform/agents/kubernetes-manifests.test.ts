import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobSpec, Launcher } from '../../../platform/agents/launcher.ts'
import { kubernetesLauncher } from '../../../platform/agents/launchers/kubernetes.ts'
import { fakeKubernetes, type KubernetesFake } from '../../fakes/kubernetes/api-server.ts'
import type { Cluster } from '../../fakes/kubernetes/cluster.ts'
import { environmentOf } from '../../fakes/kubernetes/environment.ts'
import type { Job, Pod } from '../../fakes/kubernetes/objects.ts'
import { specOf } from '../../fakes/kubernetes/specs.ts'

const GIB = 2 ** 30

let fake: KubernetesFake
let cluster: Cluster
let launcher: Launcher
beforeEach(async () => {
  fake = await fakeKubernetes()
  cluster = fake.cluster
  launcher = kubernetesLauncher({ kubeConfig: fake.kubeConfig, stack: 'test' })
})
afterEach(() => fake.close())

async function launched(spec: JobSpec): Promise<{ job: Job; pod: Pod; workers: readonly Pod[] }> {
  const job = cluster.readJob(await launcher.launch(spec))
  const [pod] = cluster.podsOf(job)
  if (!pod) throw new Error(`no pod: ${cluster.events.at(-1)?.message}`)
  return { job, pod, workers: workersOf(spec) }
}

function workersOf({ name }: JobSpec): Pod[] {
  const job = cluster.jobs.get(`${name}-workers`)
  return job ? cluster.podsOf(job) : []
}

describe('where driver and workers go', () => {
  const machines: Record<string, [machine: JobSpec['driver'], node: string]> = {
    'to any machine': [{}, 'gke-small-1'],
    'to machines of a type': [{ machineType: 'n2-highmem-16' }, 'gke-big-1'],
    'to machines with a GPU': [{ gpu: 1 }, 'gke-gpu-1'],
    'to spot machines': [{ spot: true }, 'gke-cheap-1'],
  }
  for (const [where, [machine, node]] of Object.entries(machines)) {
    it(`is ${where}`, async () => {
      const { pod, workers } = await launched(specOf({ driver: machine, workers: { count: 2, ...machine } }))
      expect([pod, ...workers].map(({ spec }) => spec.nodeName)).toEqual([node, node, node])
    })
  }

  it('is not to spot machines where they are not asked for, though there is no other', async () => {
    const handle = await launcher.launch(specOf({ driver: { machineType: 'e2-standard-8' } }))
    expect(await launcher.status(handle)).toMatchObject({
      state: 'waiting',
      reason: 'no-capacity',
      message: expect.stringContaining("didn't match Pod's node affinity/selector"),
    })
  })

  it('is different for drivers and workers', async () => {
    const { pod, workers } = await launched(specOf({ workers: { count: 1, spot: true } }))
    expect([pod, ...workers].map(({ spec }) => spec.nodeName)).toEqual(['gke-small-1', 'gke-cheap-1'])
  })
})

describe('a pod', () => {
  it('takes as much memory as it asks for at most, and no less when nobody says', async () => {
    const { pod } = await launched(specOf({ driver: { cpu: 0.5, memory: 1.5 * GIB } }))
    expect(pod.spec.containers[0]?.resources).toEqual({
      requests: { cpu: '500m', memory: '1536Mi' },
      limits: { memory: '1536Mi' },
    })
    const { pod: other } = await launched(specOf())
    expect(other.spec.containers[0]?.resources).toEqual({
      requests: { cpu: '1', memory: '2048Mi' },
      limits: { memory: '2048Mi' },
    })
  })

  it('may have all the memory of a machine that it names', async () => {
    const { pod } = await launched(specOf({ driver: { machineType: 'n2-highmem-16' } }))
    expect(pod.spec.containers[0]?.resources?.limits).toEqual({})
  })

  it('cannot reach the API of the cluster, nor write to its disk, and has /tmp', async () => {
    const { pod, workers } = await launched(specOf({ workers: { count: 1 } }))
    for (const { spec } of [pod, ...workers]) {
      expect(spec.automountServiceAccountToken).toBe(false)
      expect(spec.containers[0]?.securityContext?.readOnlyRootFilesystem).toBe(true)
      expect(spec.containers[0]?.volumeMounts).toEqual([{ name: 'scratch', mountPath: '/tmp' }])
    }
  })

  it('is not ended by who makes the cluster smaller', async () => {
    const { pod, workers } = await launched(specOf({ workers: { count: 1 } }))
    for (const { metadata } of [pod, ...workers]) {
      expect(metadata.annotations).toMatchObject({ 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' })
    }
  })

  it('is the account that the stack lets be the flow', async () => {
    cluster.accounts.add('flow-hello')
    const account = 'flow-hello@example.iam.gserviceaccount.com'
    const { pod, workers } = await launched(specOf({ account, workers: { count: 1 } }))
    expect([pod, ...workers].map(({ spec }) => spec.serviceAccountName)).toEqual(['flow-hello', 'flow-hello'])
  })

  it('gets values with dollars as they are', async () => {
    const odd = { A: '$(B) $$(B) $$ $', B: 'b', C: '$$$(A)', D: "$& $1 $' $" }
    const { pod } = await launched(specOf({ environment: odd }))
    const [container] = pod.spec.containers
    expect(container && environmentOf(container)).toEqual(odd)
  })
})

describe('time', () => {
  it('is counted by the clock of the cluster, not of whoever launches', async () => {
    cluster.passTime(86_400_000)
    const { job } = await launched(specOf({ deadline: Date.parse(cluster.now) + 3_600_000 }))
    expect(job.spec.activeDeadlineSeconds).toBe(3600)
  })

  it('is up for the workers, too', async () => {
    const spec = specOf({ deadline: Date.now() + 60_000, workers: { count: 2 } })
    await launched(spec)
    cluster.passTime(62_000)
    expect(cluster.pods.size).toBe(0)
  })

  it('that has passed already ends a job and is no error', async () => {
    const handle = await launcher.launch(specOf({ deadline: Date.now() - 60_000 }))
    cluster.passTime(1000)
    expect(await launcher.status(handle)).toMatchObject({ state: 'failed', reason: 'deadline' })
  })

  it('takes what is finished, and was forgotten, away after a day', async () => {
    const spec = specOf({ workers: { count: 1 } })
    const { pod } = await launched(spec)
    cluster.kubelet.end(pod, { exitCode: 0 })
    cluster.passTime(86_399_000)
    expect(await launcher.status(spec.name)).toMatchObject({ state: 'succeeded' })
    cluster.passTime(2000)
    expect(await launcher.status(spec.name)).toEqual({ state: 'gone' })
    expect([cluster.jobs.size, cluster.pods.size]).toEqual([0, 0])
  })
})

describe('workers', () => {
  it('that are taken away, or break, leave the others alone and are replaced', async () => {
    const spec = specOf({ workers: { count: 3 } })
    const { workers } = await launched(spec)
    const [first, second, third] = workers
    if (!first || !second || !third) throw new Error('there are not three')
    cluster.kubelet.shutDownNode(first)
    cluster.kubelet.runOutOfMemory(second)
    expect(third.status.phase).toBe('Running')
    cluster.passTime(60_000)
    const running = workersOf(spec).filter(({ status }) => status.phase === 'Running')
    expect(running).toHaveLength(3)
    expect(running).toContain(third)
  })

  it('that are taken away again and again are replaced for ever', async () => {
    const spec = specOf({ workers: { count: 1 } })
    await launched(spec)
    for (let times = 0; times < 10; times++) {
      const running = workersOf(spec).find(({ status }) => status.phase === 'Running')
      if (!running) throw new Error(`not replaced after ${times} times`)
      cluster.kubelet.shutDownNode(running)
      cluster.passTime(10 * 3_600_000)
    }
  })

  it('that break again and again are given up, and the driver goes on', async () => {
    const spec = specOf({ workers: { count: 1 } })
    const { pod } = await launched(spec)
    let broken = 0
    for (; broken < 20; broken++) {
      const running = workersOf(spec).find(({ status }) => status.phase === 'Running')
      if (!running) break
      cluster.kubelet.end(running, { exitCode: 1 })
      cluster.passTime(3_600_000)
    }
    expect(broken).toBe(6)
    expect(pod.status.phase).toBe('Running')
    expect(await launcher.status(spec.name)).toEqual({ state: 'running' })
  })
})
