import { labelFault } from '../cloud-run/rules.ts'
import type { Json } from '../google-cloud/answers.ts'

export interface CustomJobBody extends Json {
  readonly displayName?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly jobSpec?: {
    readonly workerPoolSpecs?: readonly WorkerPool[]
    readonly scheduling?: Json & { readonly timeout?: string; readonly strategy?: number | string }
    readonly network?: string
    readonly serviceAccount?: string
  }
}

export interface WorkerPool {
  readonly replicaCount?: string | number
  readonly machineSpec?: {
    readonly machineType?: string
    readonly acceleratorType?: number | string
    readonly acceleratorCount?: number
  }
  readonly containerSpec?: {
    readonly imageUri?: string
    readonly command?: readonly string[]
    readonly args?: readonly string[]
    readonly env?: readonly { readonly name: string; readonly value?: string }[]
  }
}

/** Types of https://cloud.google.com/vertex-ai/docs/training/configure-compute, as far as tests ask for them. */
const MACHINE_TYPE =
  /^(n1-(standard|highmem)|n2-(standard|highmem|highcpu)|e2-(standard|highmem)|g2-standard|a2-highgpu)-\d+g?$/

/** What Vertex AI checks when a custom job is created, as far as it is written down. @returns what is wrong, in its words */
export function faultOf({ displayName = '', labels, jobSpec = {} }: CustomJobBody): string | undefined {
  if (displayName.length === 0 || displayName.length > 128) return 'The display name must have 1 to 128 characters.'
  const { workerPoolSpecs = [], network } = jobSpec
  if (workerPoolSpecs.length === 0) return 'At least one worker pool is required.'
  if (Number(workerPoolSpecs[0]?.replicaCount) !== 1) return 'The first worker pool must have exactly one replica.'
  // Only the project's number is taken, not its id.
  if (network !== undefined && !/^projects\/\d+\/global\/networks\/[a-z][-a-z0-9]*$/.test(network)) {
    return `Invalid network "${network}": expected projects/{project_number}/global/networks/{network}.`
  }
  for (const pool of workerPoolSpecs) {
    const fault = poolFault(pool)
    if (fault) return fault
  }
  return labelFault('custom_job.labels', labels)
}

function poolFault({
  machineSpec: { machineType = '', acceleratorType, acceleratorCount } = {},
  containerSpec,
}: WorkerPool) {
  if (!MACHINE_TYPE.test(machineType)) return `Machine type "${machineType}" is not supported.`
  if (acceleratorCount && !acceleratorType) return `An accelerator type is required with an accelerator count.`
  if (!containerSpec?.imageUri) return 'container_spec.image_uri is required.'
  if ((containerSpec.env?.length ?? 0) > 100) return 'container_spec.env has more than 100 variables.'
  return undefined
}
