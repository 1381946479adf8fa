import type { Machine } from '@millrace/engine'
import { LaunchError } from '../../launcher.ts'

/** A machine as Vertex AI is asked for it. */
export interface VertexMachine {
  readonly machineType: string
  readonly acceleratorType?: AcceleratorType
  readonly acceleratorCount?: number
}

type AcceleratorType =
  | 'NVIDIA_L4'
  | 'NVIDIA_TESLA_T4'
  | 'NVIDIA_TESLA_A100'
  | 'NVIDIA_A100_80GB'
  | 'NVIDIA_H100_80GB'
  | 'NVIDIA_H100_MEGA_80GB'
  | 'NVIDIA_H200_141GB'

interface Size {
  readonly machineType: string
  readonly cpu: number
  readonly gib: number
  readonly gpus: number
}

const GIB = 2 ** 30

/** N2 machines of Vertex AI's training: https://cloud.google.com/vertex-ai/docs/training/configure-compute */
const N2: readonly Size[] = [
  ...sizes('n2-standard', 4, [4, 8, 16, 32, 48, 64, 80]),
  ...sizes('n2-highmem', 8, [2, 4, 8, 16, 32, 48, 64, 80]),
  ...sizes('n2-highcpu', 1, [16, 32, 48, 64, 80]),
]

/** G2 machines have their L4 GPUs built in. */
const G2: readonly Size[] = (
  [
    [4, 16, 1],
    [8, 32, 1],
    [12, 48, 1],
    [16, 64, 1],
    [24, 96, 2],
    [32, 128, 1],
    [48, 192, 4],
    [96, 384, 8],
  ] as const
).map(([cpu, gib, gpus]) => ({ machineType: `g2-standard-${cpu}`, cpu, gib, gpus }))

/** What a machine type's GPUs are, where its name says it; n1 machines may have others. */
const BUILT_IN: readonly (readonly [prefix: string, type: AcceleratorType])[] = [
  ['g2-', 'NVIDIA_L4'],
  ['a2-highgpu-', 'NVIDIA_TESLA_A100'],
  ['a2-megagpu-', 'NVIDIA_TESLA_A100'],
  ['a2-ultragpu-', 'NVIDIA_A100_80GB'],
  ['a3-highgpu-', 'NVIDIA_H100_80GB'],
  ['a3-megagpu-', 'NVIDIA_H100_MEGA_80GB'],
  ['a3-ultragpu-', 'NVIDIA_H200_141GB'],
  ['n1-', 'NVIDIA_TESLA_T4'],
]

/**
 * Pure: the machine to ask for. One that is named is passed on, and Google says when there is none of that name; otherwise
 * it is the cheapest N2 that has as many processors and as much memory, or with GPUs the cheapest G2 (NVIDIA L4). Other GPUs
 * come by a machine type that has them (`a2-highgpu-1g`: one A100).
 * @throws LaunchError when no N2 or G2 is as large
 */
export function machineFor({ cpu, memory, gpu = 0, machineType }: Machine): VertexMachine {
  if (machineType !== undefined) return named(machineType, gpu)
  if (cpu === undefined && memory === undefined && gpu === 0) return { machineType: 'n2-standard-4' }
  const gib = (memory ?? 0) / GIB
  const [cheapest] = (gpu > 0 ? G2 : N2)
    .filter((each) => each.cpu >= (cpu ?? 0) && each.gib >= gib && each.gpus >= gpu)
    .sort((a, b) => priceOf(a) - priceOf(b))
  if (!cheapest) {
    const wanted = `${cpu ?? 'any number of'} processors, ${Math.ceil(gib)} GiB and ${gpu} GPUs`
    throw new LaunchError(
      'refused',
      `No ${gpu > 0 ? 'G2' : 'N2'} machine of Vertex AI has ${wanted}: name a machine type that has, as machineType.`,
    )
  }
  return gpu > 0 ? named(cheapest.machineType, cheapest.gpus) : { machineType: cheapest.machineType }
}

function named(machineType: string, gpu: number): VertexMachine {
  const [, acceleratorType] = BUILT_IN.find(([prefix]) => machineType.startsWith(prefix)) ?? []
  if (gpu === 0) return { machineType }
  return { machineType, acceleratorCount: gpu, ...(acceleratorType && { acceleratorType }) }
}

function sizes(family: string, gibPerCpu: number, cpus: readonly number[]): Size[] {
  return cpus.map((cpu) => ({ machineType: `${family}-${cpu}`, cpu, gib: cpu * gibPerCpu, gpus: 0 }))
}

/** In what a GiB costs: a processor costs 7.5 times as much, an L4 some 130 times. https://cloud.google.com/vertex-ai/pricing */
function priceOf({ cpu, gib, gpus }: Size): number {
  return cpu * 7.5 + gib + gpus * 130
}
