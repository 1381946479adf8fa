import type { PodFields } from './objects.ts'

export interface Node {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Keys of taints `NoSchedule`. */
  readonly taints: readonly string[]
  readonly gpus?: number
  /** Nothing more fits on it. */
  readonly isFull?: boolean
}

const POOL = 'millrace.dev/pool'
const MACHINE = 'node.kubernetes.io/instance-type'

function node(pool: string, machine: string, more: Partial<Node> = {}): Node {
  return {
    name: `gke-${pool}-1`,
    taints: pool === 'system' ? [] : [POOL, ...(more.taints ?? [])],
    labels: { [POOL]: pool, [MACHINE]: machine, ...more.labels },
    ...(more.gpus !== undefined && { gpus: more.gpus }),
  }
}

/** A node of each pool of a stack, with the labels and taints that the stack and GKE give them. */
export const NODES: readonly Node[] = [
  node('small', 'e2-standard-4'),
  node('big', 'n2-highmem-16'),
  node('gpu', 'n1-standard-8', { taints: ['nvidia.com/gpu'], gpus: 2 }),
  node('cheap', 'e2-standard-8', {
    labels: { 'cloud.google.com/gke-spot': 'true' },
    taints: ['cloud.google.com/gke-spot'],
  }),
]

/** The first node that a pod fits on, or why there is none, in the words of the scheduler. */
export function schedule(pod: PodFields, nodes: readonly Node[]): { readonly node: Node } | { readonly words: string } {
  const whyNot = nodes.map((each) => mismatch(pod, each))
  const fit = nodes.find((_, index) => whyNot[index] === undefined)
  if (fit) return { node: fit }
  const counted = [...Map.groupBy(whyNot, (why) => why ?? '')].map(([why, all]) => `${all.length} ${why}`)
  const of = `0/${nodes.length} nodes are available`
  return {
    words: `${of}: ${counted.join(', ')}. preemption: ${of}: ${nodes.length} Preemption is not helpful for scheduling.`,
  }
}

function mismatch(
  { nodeSelector = {}, affinity, tolerations = [], containers }: PodFields,
  node: Node,
): string | undefined {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const isSelected = Object.entries(nodeSelector).every(([key, value]) => node.labels[key] === value)
  const isLiked = terms?.some(({ matchExpressions = [] }) =>
    matchExpressions.every((each) => isTrue(each, node.labels)),
  )
  if (!isSelected || isLiked === false) return "node(s) didn't match Pod's node affinity/selector"
  const taint = node.taints.find((key) => !tolerations.some((each) => each.key === key && each.operator === 'Exists'))
  if (taint) return `node(s) had untolerated taint {${taint}: }`
  if (node.isFull) return 'Insufficient cpu'
  const gpus = Number(containers[0]?.resources?.limits?.['nvidia.com/gpu'] ?? 0)
  return gpus > (node.gpus ?? 0) ? 'Insufficient nvidia.com/gpu' : undefined
}

function isTrue(
  { key, operator, values = [] }: { key: string; operator: string; values?: string[] },
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      throw new Error(`the fake knows no operator ${operator}`)
  }
}
