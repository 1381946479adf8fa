import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kubernetesLauncher } from '../../../platform/agents/launchers/kubernetes.ts'
import { killProcessesIn, processesIn, startProgram } from '../../platform/agents/programs.ts'
import type { LauncherStage } from '../../platform/agents/stage.ts'
import { fakeKubernetes } from './api-server.ts'
import { environmentOf } from './environment.ts'
import { faultsOf } from './faults.ts'
import type { Container, Pod } from './objects.ts'
import { NODES } from './scheduler.ts'
import { seenOf } from './seen.ts'

const IMAGE = `registry.example/millrace/flow-hello@sha256:${'a1'.repeat(32)}`
const MISSING = `registry.example/millrace/flow-gone@sha256:${'0'.repeat(64)}`
/** From SIGTERM to SIGKILL (s): a busy machine must not make it short for a program that obeys. */
const GRACE = 3
const LITTLE_MEMORY = 64 * 2 ** 20

/** The launcher on a cluster that is a fake: its containers are processes of this machine. */
export async function fakeStage(): Promise<LauncherStage> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kubernetes-'))
  const fake = await fakeKubernetes({
    start: (container) => {
      const environment = environmentOf(container)
      return isTooMuch(container, environment) ? 'out of memory' : startProgram(roleOf(container), environment)
    },
  })
  const { cluster } = fake
  cluster.accounts.add('flow-hello').add('flow-odd-flow')
  cluster.kubelet.missing.add(MISSING)
  const faults = faultsOf(fake)
  const stack = 'test'
  const another = async (of = stack) => kubernetesLauncher({ kubeConfig: fake.kubeConfig, stack: of, grace: GRACE })
  const launcher = await another()
  return {
    launcher,
    stack,
    defaults: { image: IMAGE, environment: { TEST_FOLDER: folder } },
    arrives: new Set([
      ...(['name', 'labels', 'image', 'cpu', 'memory', 'gpu', 'machineType', 'spot', 'account', 'deadline'] as const),
    ]),
    levers: {
      ...faults,
      missingImage: () => ({ image: MISSING, words: `failed to resolve reference "${MISSING}"` }),
      unknownMachine: () => ({ machineType: 'z9-vast-512', words: "didn't match Pod's node affinity/selector" }),
      holdMachines() {
        cluster.nodes = NODES.map((node) => ({ ...node, isFull: true }))
        return 'Insufficient cpu'
      },
      giveMachines() {
        cluster.nodes = NODES
        cluster.kubelet.advanceAll()
      },
      littleMemory: () => ({ driver: { memory: LITTLE_MEMORY } }),
      preempt: (handle) => cluster.kubelet.shutDownNode(driverOf(handle)),
      passDeadline(handle) {
        const job = cluster.readJob(handle)
        cluster.age(job, (job.spec.activeDeadlineSeconds ?? 0) * 1000)
      },
    },
    another,
    processes: async (handle) => processesIn(folder, handle),
    seen: async (handle) => seenOf(cluster, handle),
    async addStranger() {
      const name = cluster.newName('stranger-')
      const containers = [{ name: 'stranger', image: IMAGE, env: [{ name: 'TEST_DOES', value: 'completes' }] }]
      const spec = { template: { spec: { restartPolicy: 'Never', containers } } }
      cluster.createJob({ metadata: { name }, spec } as Parameters<typeof cluster.createJob>[0])
    },
    async close() {
      await launcher.close()
      await fake.close()
      killProcessesIn(folder)
      rmSync(folder, { recursive: true, force: true })
    },
  }

  function driverOf(handle: string): Pod {
    const [pod] = cluster.podsOf(cluster.readJob(handle))
    if (!pod) throw new Error(`the job ${handle} has no pod`)
    return pod
  }
}

function roleOf({ command }: Container): 'driver' | 'worker' {
  return command?.[1] === '/app/images/worker/main.ts' ? 'worker' : 'driver'
}

function isTooMuch({ resources }: Container, { TEST_DOES }: Readonly<Record<string, string>>): boolean {
  return TEST_DOES === 'uses memory' && resources?.limits?.memory === `${LITTLE_MEMORY / 2 ** 20}Mi`
}
