import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vertexLauncher } from '../../../platform/agents/launchers/vertex.ts'
import type { ContainerSpec } from '../../fakes/cloud-run/container.ts'
import { type GoogleJobs, googleJobs } from '../../fakes/cloud-run/google-jobs.ts'
import { SPOT } from '../../fakes/vertex/enums.ts'
import type { WorkerPool } from '../../fakes/vertex/rules.ts'
import { agentsConformance } from './agents.conformance.ts'
import { launchersConformance } from './launchers.conformance.ts'
import { killProcessesIn, processesIn, startProgram } from './programs.ts'
import type { LauncherStage, Seen } from './stage.ts'

const PROJECT = 'example-project'
const NUMBER = '123456789012'
const REGION = 'europe-west4'
const IMAGE = `europe-docker.pkg.dev/${PROJECT}/millrace/flow-hello@sha256:${'a'.repeat(64)}`
const MISSING = `europe-docker.pkg.dev/${PROJECT}/millrace/flow-gone@sha256:${'b'.repeat(64)}`

launchersConformance('the vertex launcher', openStage)
agentsConformance('the vertex launcher', openStage)

async function openStage(): Promise<LauncherStage> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-vertex-'))
  const google = await googleJobs({ project: PROJECT, number: NUMBER, region: REGION, start })
  const { vertex } = google
  vertex.missingImages.add(MISSING)
  const network = `projects/${NUMBER}/global/networks/millrace`
  const open = (stack: string) =>
    vertexLauncher({ project: PROJECT, region: REGION, stack, network, endpoint: google.endpoint })
  const launcher = open('test')
  return {
    launcher,
    stack: 'test',
    defaults: { image: IMAGE, environment: { TEST_FOLDER: folder } },
    // Processors and memory choose a machine type: machine-type.test.ts
    arrives: new Set(['labels', 'image', 'gpu', 'machineType', 'spot', 'account', 'deadline']),
    levers: {
      breakNext: google.breakNext,
      cutAfter: (requests) => google.faults.cutAfter(requests),
      mend: () => google.faults.mend(),
      missingImage: () => ({ image: MISSING, words: `Failed to pull image "${MISSING}"` }),
      unknownMachine: () => ({ machineType: 'n9-standard-4', words: 'Machine type "n9-standard-4" is not supported.' }),
      holdMachines: () => {
        vertex.isHeld = true
        return 'JOB_STATE_QUEUED'
      },
      giveMachines: () => vertex.release(),
      littleMemory: () => ({ driver: { machineType: 'n2-standard-4' } }),
      preempt: (handle) =>
        vertex.jobs.get(handle)?.fail(8, 'The job failed with a STOCKOUT error: its machines were taken away.'),
      passDeadline: (handle) => vertex.jobs.get(handle)?.fail(4, 'The job exceeded its timeout of 3600s.'),
    },
    another: async (stack = 'test') => open(stack),
    processes: async (handle) => processesIn(folder, notes.get(numberIn(handle)) ?? ''),
    seen: async (handle) => seenIn(google, handle),
    addStranger: () => addStranger(google),
    close: async () => {
      await launcher.close()
      await google.close()
      killProcessesIn(folder)
      rmSync(folder, { recursive: true })
    },
  }
}

/** Under what the notes of a job's processes are, by its number: its name, where it is the first of that name. */
const notes = new Map<string, string>()

function start({ command, env }: ContainerSpec) {
  if (env.TEST_DOES === 'uses memory') return 'out of memory'
  const { CLOUD_ML_JOB_ID: job = '', TEST_JOB: name = '' } = env
  const taken = [...notes.values()].includes(name)
  if (!notes.has(job)) notes.set(job, taken ? job : name)
  const role = command.at(-1)?.includes('/worker/') ? 'worker' : 'driver'
  return startProgram(role, { ...env, TEST_JOB: notes.get(job) ?? '' })
}

function numberIn(handle: string): string {
  return handle.split('/').at(-1) ?? ''
}

function seenIn({ vertex }: GoogleJobs, handle: string): Seen {
  const job = vertex.jobs.get(handle)
  const { workerPoolSpecs: [driver = {}, workers] = [], scheduling, serviceAccount } = job?.body.jobSpec ?? {}
  const spot = scheduling?.strategy === SPOT
  const timeout = Number.parseFloat(scheduling?.timeout ?? '0') * 1000
  return {
    text: JSON.stringify(job?.body),
    labels: job?.body.labels ?? {},
    driver: { ...machineIn(driver), spot },
    ...(workers && { workers: { ...machineIn(workers), spot, count: Number(workers.replicaCount) } }),
    ...(serviceAccount !== undefined && { account: serviceAccount }),
    deadline: Date.parse(String(job?.resource.createTime)) + timeout,
  }
}

function machineIn({ machineSpec: { machineType = '', acceleratorCount = 0 } = {}, containerSpec }: WorkerPool) {
  return { image: containerSpec?.imageUri ?? '', machineType, gpu: acceleratorCount }
}

/** A job that somebody made by hand, and one with a name like those of ours. */
async function addStranger({ endpoint }: GoogleJobs): Promise<void> {
  const url = `${endpoint}/${REGION}-aiplatform.googleapis.com/v1/projects/${PROJECT}/locations/${REGION}/customJobs`
  for (const displayName of ['train-by-hand', 'millrace-by-hand']) {
    const pool = {
      replicaCount: 1,
      machineSpec: { machineType: 'n1-standard-4' },
      containerSpec: { imageUri: 'train' },
    }
    const job = { displayName, labels: { team: 'research' }, jobSpec: { workerPoolSpecs: [pool] } }
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(job) })
    if (!answer.ok) throw new Error(await answer.text())
  }
}
