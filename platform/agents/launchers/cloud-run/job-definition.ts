import type { Machine } from '@millrace/engine'
import { IN_IMAGE, type JobSpec, jobLabels, LaunchError } from '../../launcher.ts'
import type { RunJob } from './api.ts'

const GIB = 2 ** 30
const MIB = 2 ** 20
/** Google stops a task after ten minutes where nothing is said; this is as long as it lets any task run but one with a GPU. */
const LONGEST_SECONDS = 24 * 3600
const LONGEST_WITH_GPU_SECONDS = 3600
/** What Cloud Run offers in every region where it has GPUs. */
const ACCELERATOR = 'nvidia-l4'

export interface Surroundings {
  /** Name of the network that its jobs reach the database by; its subnetwork has the same name. */
  readonly network?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What Cloud Run is asked for: a driver, and its workers as tasks of a job of their own. */
export interface Definitions {
  readonly driver: { readonly name: string; readonly job: RunJob }
  readonly workers?: { readonly name: string; readonly job: RunJob }
}

/** The definition of a job's workers: it goes where that of the driver goes. */
export function workersOf(name: string): string {
  return `${name}-workers`
}

/** Pure: the definitions of a job. */
export function definitions(spec: JobSpec, surroundings: Surroundings): Definitions {
  const { name, workers } = spec
  return {
    driver: { name, job: definition(spec, IN_IMAGE.driver, spec.driver, 1, surroundings) },
    ...(workers.count > 0 && {
      workers: {
        name: workersOf(name),
        job: definition(spec, IN_IMAGE.worker, workers, workers.count, surroundings),
      },
    }),
  }
}

function definition(
  spec: JobSpec,
  [command, ...args]: readonly [string, ...string[]],
  machine: Machine,
  tasks: number,
  { network, now }: Surroundings,
): RunJob {
  const { image, environment, account, deadline } = spec
  if (image === undefined)
    throw new LaunchError('refused', `The job ${spec.name} has no image: Cloud Run starts nothing else.`)
  const labels = jobLabels(spec)
  const longest = machine.gpu ? LONGEST_WITH_GPU_SECONDS : LONGEST_SECONDS
  const seconds = deadline === undefined ? longest : Math.max(1, Math.ceil((deadline - now) / 1000))
  return {
    labels,
    template: {
      labels,
      parallelism: tasks,
      taskCount: tasks,
      template: {
        maxRetries: 0,
        timeout: { seconds },
        executionEnvironment: 'EXECUTION_ENVIRONMENT_GEN2',
        containers: [
          {
            image,
            command: [command],
            args,
            env: Object.entries(environment).map(([name, value]) => ({ name, value })),
            resources: { limits: limits(machine) },
          },
        ],
        ...(account !== undefined && { serviceAccount: account }),
        ...accelerator(machine),
        ...(network !== undefined && {
          vpcAccess: { networkInterfaces: [{ network }], egress: 'PRIVATE_RANGES_ONLY' },
        }),
      },
    },
  }
}

/**
 * Cloud Run has no machine types: where one is given, it names the GPU (`nvidia-l4`). It has no spot machines either,
 * and starts what asks for one as anything else.
 */
function accelerator({ gpu, machineType }: Machine) {
  if (!gpu && machineType === undefined) return {}
  return { nodeSelector: { accelerator: machineType ?? ACCELERATOR }, gpuZonalRedundancyDisabled: true }
}

/**
 * What is asked for is passed on, and Google says what it does not take. What is left out is chosen so that it goes with the
 * rest: https://cloud.google.com/run/docs/configuring/jobs/memory-limits
 */
function limits({ cpu, memory, gpu }: Machine): Record<string, string> {
  const cpus = cpu ?? cpuFor(gpu ? Math.max(memory ?? 0, 16 * GIB) : (memory ?? GIB))
  const bytes = memory ?? (gpu ? 16 * GIB : Math.max(512 * MIB, cpus * GIB))
  return {
    cpu: String(cpus),
    memory: `${Math.ceil(bytes / MIB)}Mi`,
    ...(gpu && { 'nvidia.com/gpu': String(gpu) }),
  }
}

function cpuFor(memory: number): number {
  if (memory <= 4 * GIB) return 1
  if (memory <= 8 * GIB) return 2
  if (memory <= 16 * GIB) return 4
  return memory <= 24 * GIB ? 6 : 8
}
