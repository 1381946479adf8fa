import type { Json } from '../google-cloud/answers.ts'

/** What Cloud Run checks when a job is created, as far as it is written down. @returns what is wrong, in its words */
export function faultOf(name: string, job: RunJobBody): string | undefined {
  return nameFault(name) ?? labelFault('job.labels', job.labels) ?? templateFault(job)
}

export interface RunJobBody extends Json {
  readonly labels?: Readonly<Record<string, string>>
  readonly template?: {
    readonly labels?: Readonly<Record<string, string>>
    readonly parallelism?: number
    readonly taskCount?: number
    readonly template?: TaskTemplate
  }
}

export interface TaskTemplate {
  readonly containers?: readonly {
    readonly image?: string
    readonly command?: readonly string[]
    readonly args?: readonly string[]
    readonly env?: readonly { readonly name: string; readonly value?: string }[]
    readonly resources?: { readonly limits?: Readonly<Record<string, string>> }
  }[]
  readonly maxRetries?: number
  readonly timeout?: string
  readonly serviceAccount?: string
  readonly executionEnvironment?: number | string
  readonly nodeSelector?: { readonly accelerator?: string }
  readonly vpcAccess?: Json
}

const ACCELERATORS = ['nvidia-l4', 'nvidia-rtx-pro-6000']
const MIB = 2 ** 20
/** Least and most memory (MiB) by CPUs: https://cloud.google.com/run/docs/configuring/jobs/memory-limits */
const MEMORY: Readonly<Record<string, readonly [least: number, most: number]>> = {
  1: [512, 4096],
  2: [512, 8192],
  4: [2048, 16384],
  6: [4096, 24576],
  8: [4096, 32768],
}

function nameFault(name: string): string | undefined {
  if (/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return undefined
  return `metadata.name: Invalid name "${name}": only lowercase, digits, and hyphens; must begin with letter, and cannot end with hyphen; must be less than 64 characters`
}

/** https://cloud.google.com/resource-manager/docs/labels-overview */
export function labelFault(field: string, labels: Readonly<Record<string, string>> = {}): string | undefined {
  for (const [key, value] of Object.entries(labels)) {
    if (!/^[a-z][a-z0-9_-]{0,62}$/.test(key)) return `${field}: Invalid label key "${key}"`
    if (!/^[a-z0-9_-]{0,63}$/.test(value)) return `${field}: Invalid value "${value}" of the label "${key}"`
  }
  return Object.keys(labels).length > 64 ? `${field}: more than 64 labels` : undefined
}

function templateFault({ template }: RunJobBody): string | undefined {
  const task = template?.template
  const container = task?.containers?.[0]
  if (!task || !container?.image)
    return 'spec.template.spec.template.spec.containers: should have one container with an image'
  const { cpu = '1', memory = '512Mi', 'nvidia.com/gpu': gpu } = container.resources?.limits ?? {}
  const range = MEMORY[cpu]
  if (!range)
    return `spec.template.spec.containers.resources.limits.cpu: Invalid value specified for cpu. "${cpu}" is not one of 1, 2, 4, 6, 8`
  const [least, most] = range
  const mib = bytesOf(memory) / MIB
  if (!(mib >= least && mib <= most)) {
    return `spec.template.spec.containers.resources.limits.memory: Invalid value specified for container memory. For ${cpu} CPU, memory must be between ${least}Mi and ${most}Mi inclusive.`
  }
  const accelerator = task.nodeSelector?.accelerator
  if (accelerator !== undefined && !ACCELERATORS.includes(accelerator)) {
    return `spec.template.spec.node_selector: Invalid accelerator type "${accelerator}"`
  }
  if (gpu !== undefined && accelerator === undefined)
    return 'spec.template.spec.node_selector: An accelerator is needed with a GPU'
  if (task.timeout !== undefined && !/^\d+(\.\d+)?s$/.test(task.timeout))
    return `timeout: Invalid duration "${task.timeout}"`
  return labelFault('template.labels', template?.labels)
}

/** "512Mi", "4Gi", in bytes. */
export function bytesOf(quantity: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi)?$/.exec(quantity) ?? []
  const power = { Ki: 1, Mi: 2, Gi: 3 }[unit ?? ''] ?? 0
  return Number(number) * 1024 ** power
}
