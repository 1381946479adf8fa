import * as kubernetes from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import { labelsOf } from '../place.ts'
import { makeWorkload } from './kubernetes-workload.ts'
import type { WorkerHost, WorkerSet } from './worker-cluster.ts'

/** Between SIGTERM and the end of the time to drain, a worker writes down what it finished. */
const LAST_WORDS = 30

/** Workers as a Deployment that KEDA scales by the number of tasks that wait or run. */
export function kubernetesWorkers(
  set: WorkerSet,
  { cluster, queues }: Extract<WorkerHost, { on: 'kubernetes' }>,
  parent: pulumi.Resource,
): void {
  const { foundation, workers, config, name, image, identity, environment } = set
  const { provider, namespace, keda } = cluster
  if (!keda) throw new Error(`worker cluster ${workers} is to be scaled, but there is no KEDA`)
  const metadata = { name, namespace: namespace.metadata.name, labels: labelsOf(foundation.place, name) }
  const { deployment, selector } = makeWorkload(
    {
      foundation,
      cluster,
      name,
      image,
      identity,
      environment,
      cpu: config.cpu,
      memory: config.memory,
      pool: config.nodePool,
      spot: config.spot,
      grace: Math.ceil(config.drain) + LAST_WORDS,
    },
    parent,
  )
  new kubernetes.policy.v1.PodDisruptionBudget(
    name,
    // When nodes are replaced: a few at a time, so that the others can take over.
    { metadata, spec: { maxUnavailable: '25%', selector: { matchLabels: { ...selector } } } },
    { parent, provider },
  )
  new kubernetes.apiextensions.CustomResource(
    name,
    {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata,
      spec: {
        scaleTargetRef: { name: deployment.metadata.name },
        minReplicaCount: config.min,
        maxReplicaCount: config.max,
        pollingInterval: 5,
        cooldownPeriod: Math.ceil(config.cooldown),
        triggers: [
          {
            type: 'metrics-api',
            metadata: {
              url: queues.apply((url) => `${url}/${workers}`),
              valueLocation: 'tasks',
              targetValue: String(config.tasksPerWorker),
            },
          },
        ],
      },
    },
    { parent, provider, dependsOn: [...keda.ready] },
  )
}
