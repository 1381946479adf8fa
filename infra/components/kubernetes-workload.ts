import * as kubernetes from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import { labelsOf } from '../place.ts'
import type { Cluster } from './cluster.ts'
import type { Foundation } from './foundation.ts'
import type { Identity } from './identity.ts'
import { makeKubernetesAccount } from './kubernetes-account.ts'
import { NOT_WAITED_FOR, POOL_LABEL } from './kubernetes-placement.ts'
import type { EnvironmentVariable } from './process-environment.ts'
import { cpuQuantity, memoryQuantity } from './quantities.ts'

export interface WorkloadArgs {
  readonly foundation: Foundation
  readonly cluster: Cluster
  /** Of everything in it. */
  readonly name: string
  readonly image: pulumi.Input<string>
  readonly identity: Identity
  readonly environment: readonly EnvironmentVariable[]
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  /** Pods; left out where something else decides how many. */
  readonly replicas?: number
  /** Pool of nodes. @default any */
  readonly pool?: string | undefined
  /** Whether it may run on machines that Google can take back. */
  readonly spot: boolean
  /** How long (s) it may take to finish what it does when it is to go. */
  readonly grace: number
  readonly port?: number
}

/** A Deployment, and who its pods are. */
export interface Workload {
  readonly account: kubernetes.core.v1.ServiceAccount
  readonly deployment: kubernetes.apps.v1.Deployment
  /** Labels by which its pods are found. */
  readonly selector: Readonly<Record<string, string>>
}

/** Runs one of our images in the cluster: not as root, on a disk that cannot be written to, as its own account. */
export function makeWorkload(args: WorkloadArgs, parent: pulumi.Resource): Workload {
  const { foundation, cluster, name, identity } = args
  const { place } = foundation
  const { provider, namespace } = cluster
  const selector = { 'app.kubernetes.io/name': name }
  const labels = { ...labelsOf(place, name), ...selector }
  const inNamespace = namespace.metadata.name
  const { account, grant } = makeKubernetesAccount({ place, cluster, name, account: identity.account }, parent)
  const deployment = new kubernetes.apps.v1.Deployment(
    name,
    {
      metadata: { name, namespace: inNamespace, labels, annotations: NOT_WAITED_FOR },
      spec: {
        ...(args.replicas !== undefined && { replicas: args.replicas }),
        selector: { matchLabels: selector },
        // A new one is there before an old one goes; a quarter at a time, since an old one may take long to finish.
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: account.metadata.name,
            terminationGracePeriodSeconds: args.grace,
            ...placement(args),
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [container(args)],
            volumes: [{ name: 'scratch', emptyDir: {} }],
          },
        },
      },
    },
    {
      parent,
      provider,
      dependsOn: [grant, ...identity.grants],
      ...(args.replicas === undefined && { ignoreChanges: ['spec.replicas'] }),
    },
  )
  return { account, deployment, selector }
}

function placement({ pool, spot }: WorkloadArgs) {
  return {
    ...(pool !== undefined && { nodeSelector: { [POOL_LABEL]: pool } }),
    // Pools keep away whoever does not say that they may be used.
    tolerations: [
      { key: POOL_LABEL, operator: 'Exists', effect: 'NoSchedule' },
      ...(spot ? [{ key: 'cloud.google.com/gke-spot', operator: 'Exists', effect: 'NoSchedule' }] : []),
    ],
  }
}

function container({ name, image, environment, cpu, memory, port }: WorkloadArgs) {
  const size = { cpu: cpuQuantity(cpu), memory: memoryQuantity(memory) }
  return {
    name,
    image,
    env: [...environment],
    // As much memory as it may ever take: a node never has to choose whom to end.
    resources: { requests: size, limits: { memory: size.memory } },
    ...(port !== undefined && { ports: [{ name: 'http', containerPort: port }] }),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'scratch', mountPath: '/tmp' }],
  }
}
