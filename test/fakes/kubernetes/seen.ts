import type { Seen } from '../../platform/agents/stage.ts'
import type { Cluster } from './cluster.ts'
import type { Job } from './objects.ts'

/** The project whose service accounts those of the cluster are bound to. */
const PROJECT = 'example-project'

/** What a cluster has of a job, translated back. */
export function seenOf(cluster: Cluster, handle: string): Seen {
  const driver = cluster.readJob(handle)
  const workers = cluster.jobs.get(`${handle}-workers`)
  const { serviceAccountName: account } = driver.spec.template.spec
  const { startTime } = driver.status
  const { activeDeadlineSeconds: seconds } = driver.spec
  return {
    text: JSON.stringify([driver, workers, cluster.podsOf(driver), workers && cluster.podsOf(workers)]),
    ...(driver.metadata.labels && { labels: driver.metadata.labels }),
    driver: machineOf(driver),
    ...(workers && { workers: { ...machineOf(workers), count: workers.spec.completions } }),
    ...(account !== undefined && { account: `${account}@${PROJECT}.iam.gserviceaccount.com` }),
    ...(startTime !== undefined && seconds !== undefined && { deadline: Date.parse(startTime) + seconds * 1000 }),
  }
}

function machineOf({ spec: { template } }: Job) {
  const { nodeSelector = {}, containers } = template.spec
  const { image = '', resources = {} } = containers[0] ?? {}
  const { requests = {}, limits = {} } = resources
  const machineType = nodeSelector['node.kubernetes.io/instance-type']
  return {
    image,
    cpu: cpuOf(requests.cpu ?? '0'),
    memory: memoryOf(limits.memory ?? '0Mi'),
    gpu: Number(limits['nvidia.com/gpu'] ?? 0),
    spot: nodeSelector['cloud.google.com/gke-spot'] === 'true',
    ...(machineType !== undefined && { machineType }),
  }
}

function cpuOf(quantity: string): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity)
}

/** The launcher writes MiB. */
function memoryOf(quantity: string): number {
  if (!quantity.endsWith('Mi')) throw new Error(`${quantity} are not MiB`)
  return Number(quantity.slice(0, -2)) * 2 ** 20
}
