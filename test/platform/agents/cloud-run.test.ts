import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cloudRunLauncher } from '../../../platform/agents/launchers/cloud-run.ts'
import type { ContainerSpec } from '../../fakes/cloud-run/container.ts'
import { type GoogleJobs, googleJobs } from '../../fakes/cloud-run/google-jobs.ts'
import { bytesOf, type RunJobBody } from '../../fakes/cloud-run/rules.ts'
import { agentsConformance } from './agents.conformance.ts'
import { launchersConformance } from './launchers.conformance.ts'
import { killProcessesIn, processesIn, startProgram } from './programs.ts'
import type { LauncherStage, Seen } from './stage.ts'

const PROJECT = 'example-project'
const REGION = 'europe-west1'
const IMAGE = `europe-docker.pkg.dev/${PROJECT}/millrace/flow-hello@sha256:${'a'.repeat(64)}`
const MISSING = `europe-docker.pkg.dev/${PROJECT}/millrace/flow-gone@sha256:${'b'.repeat(64)}`

launchersConformance('the cloud-run launcher', openStage)
agentsConformance('the cloud-run launcher', openStage)

async function openStage(): Promise<LauncherStage> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cloud-run-'))
  const google = await googleJobs({ project: PROJECT, region: REGION, start })
  const { run } = google
  run.missingImages.add(MISSING)
  const open = (stack: string) =>
    cloudRunLauncher({ project: PROJECT, region: REGION, stack, network: 'millrace', endpoint: google.endpoint })
  const launcher = open('test')
  return {
    launcher,
    stack: 'test',
    defaults: { image: IMAGE, environment: { TEST_FOLDER: folder } },
    arrives: new Set(['name', 'labels', 'image', 'cpu', 'memory', 'gpu', 'account', 'deadline']),
    levers: {
      breakNext: google.breakNext,
      cutAfter: (requests) => google.faults.cutAfter(requests),
      mend: () => google.faults.mend(),
      missingImage: () => ({ image: MISSING, words: `Image '${MISSING}' not found.` }),
      unknownMachine: () => ({ machineType: 'nvidia-none', words: 'Invalid accelerator type "nvidia-none"' }),
      holdMachines: () => {
        run.held = 'There is no capacity in the region at the moment.'
        return 'no capacity'
      },
      giveMachines: () => run.release(),
      littleMemory: () => ({ driver: { memory: 512 * 2 ** 20 } }),
      passDeadline: (handle) => run.passTimeout(handle),
    },
    another: async (stack = 'test') => open(stack),
    processes: async (handle) => processesIn(folder, handle),
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

function start({ command, env }: ContainerSpec) {
  if (env.TEST_DOES === 'uses memory') return 'out of memory'
  return startProgram(command.at(-1)?.includes('/worker/') ? 'worker' : 'driver', env)
}

function seenIn({ run }: GoogleJobs, handle: string): Seen {
  const driver = run.jobs.get(handle)?.body ?? {}
  const workers = run.jobs.get(`${handle}-workers`)?.body
  const { timeout = '0s', serviceAccount } = driver.template?.template ?? {}
  const created = Date.parse(run.jobs.get(handle)?.created ?? '')
  return {
    text: JSON.stringify([driver, workers]),
    labels: driver.labels ?? {},
    driver: machineIn(driver),
    ...(workers && { workers: { ...machineIn(workers), count: workers.template?.taskCount ?? 0 } }),
    ...(serviceAccount !== undefined && { account: serviceAccount }),
    deadline: created + Number.parseFloat(timeout) * 1000,
  }
}

function machineIn({ template }: RunJobBody) {
  const { image = '', resources: { limits = {} } = {} } = template?.template?.containers?.[0] ?? {}
  return {
    image,
    cpu: Number(limits.cpu),
    memory: bytesOf(limits.memory ?? ''),
    gpu: Number(limits['nvidia.com/gpu'] ?? 0),
  }
}

/** A job that somebody made by hand. */
async function addStranger({ endpoint }: GoogleJobs): Promise<void> {
  const url = `${endpoint}/run.googleapis.com/v2/projects/${PROJECT}/locations/${REGION}/jobs?jobId=nightly-report`
  const job = { labels: { team: 'reports' }, template: { template: { containers: [{ image: 'reports' }] } } }
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(job) })
  if (!answer.ok) throw new Error(await answer.text())
}
