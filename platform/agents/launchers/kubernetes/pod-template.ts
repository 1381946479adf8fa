import type { V1NodeAffinity, V1PodTemplateSpec, V1ResourceRequirements, V1Toleration } from '@kubernetes/client-node'
import type { Machine } from '@millrace/engine'
import { IN_IMAGE, type JobSpec, jobLabels } from '../../launcher.ts'
import { PART } from './labels.ts'

export interface PodOptions {
  /** How long (s) driver and workers may take to go. @default 60 */
  readonly grace?: number
  /** The Kubernetes account of runs that have none of their own. @default the namespace's */
  readonly account?: string
}

export type Part = 'driver' | 'workers'

/** Names of the containers. */
export const CONTAINER = { driver: 'driver', workers: 'worker' } as const satisfies Record<Part, string>

/** Of whoever does not say. */
const CPU = 1
const GIB = 2 ** 30
const MEMORY = 2 * GIB
const GRACE = 60

/** Taint of the pools of nodes of a stack (infra/components/kubernetes-placement.ts). */
const POOL = 'millrace.dev/pool'
/** Labels and taints of GKE and of Kubernetes itself. */
const SPOT = 'cloud.google.com/gke-spot'
const MACHINE_TYPE = 'node.kubernetes.io/instance-type'
const GPU = 'nvidia.com/gpu'

/**
 * A pod for the driver or for a worker: not as root, on a disk that cannot be written to, with no way to the cluster's API
 * (Pod Security "restricted"), as the account of its flow.
 */
export function podTemplate(part: Part, spec: JobSpec, options: PodOptions): V1PodTemplateSpec {
  const machine = part === 'driver' ? spec.driver : spec.workers
  // The account that the stack lets be the flow's (infra/components/flow-deployment.ts).
  const account = spec.account === undefined ? options.account : `flow-${spec.flow}`
  return {
    metadata: {
      labels: { ...jobLabels(spec), [PART]: part },
      // Who makes a cluster smaller is not to end what would have to begin anew.
      annotations: { 'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false' },
    },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: options.grace ?? GRACE,
      ...(account !== undefined && { serviceAccountName: account }),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...placement(machine),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: CONTAINER[part],
          ...(spec.image !== undefined && { image: spec.image }),
          command: [...(part === 'driver' ? IN_IMAGE.driver : IN_IMAGE.worker)],
          env: Object.entries(spec.environment).map(([name, value]) => ({ name, value: literal(value) })),
          resources: resources(machine),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }],
        },
      ],
      volumes: [{ name: 'scratch', emptyDir: {} }],
    },
  }
}

/** Kubernetes replaces `$(NAME)` in the values of variables, and makes one of two dollars; two stand for one. */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$')
}

/**
 * As much memory as it may ever take: a node never has to choose whom to end. Who names a machine, and no memory, may have
 * all of it.
 */
function resources({ cpu, memory, gpu, machineType }: Machine): V1ResourceRequirements {
  const asked = `${Math.ceil((memory ?? MEMORY) / 2 ** 20)}Mi`
  const limits = {
    ...((memory !== undefined || machineType === undefined) && { memory: asked }),
    ...(gpu && { [GPU]: String(gpu) }),
  }
  return { requests: { cpu: cpuQuantity(cpu ?? CPU), memory: asked }, limits }
}

function cpuQuantity(cpu: number): string {
  return Number.isInteger(cpu) ? String(cpu) : `${Math.ceil(cpu * 1000)}m`
}

/** Which nodes: any pool of the stack that fits, but machines that can be taken away only where they are asked for. */
function placement({ machineType, spot, gpu }: Machine): {
  nodeSelector?: Record<string, string>
  affinity?: { nodeAffinity: V1NodeAffinity }
  tolerations: V1Toleration[]
} {
  const nodes = {
    ...(machineType !== undefined && { [MACHINE_TYPE]: machineType }),
    ...(spot && { [SPOT]: 'true' }),
  }
  const lasting = { matchExpressions: [{ key: SPOT, operator: 'NotIn', values: ['true'] }] }
  return {
    ...(Object.keys(nodes).length > 0 && { nodeSelector: nodes }),
    ...(!spot && {
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [lasting] } },
      },
    }),
    tolerations: [POOL, ...(spot ? [SPOT] : []), ...(gpu ? [GPU] : [])].map((key) => ({
      key,
      operator: 'Exists',
      effect: 'NoSchedule',
    })),
  }
}
