import type { PlannedResource } from '../plan/planned-resource.ts'
import { takesDockerLabels } from './docker.ts'

const LABELS = [
  'artifactregistry/repository:Repository',
  'bigquery/dataset:Dataset',
  'bigquery/table:Table',
  'cloudrunv2/job:Job',
  'cloudrunv2/service:Service',
  'cloudrunv2/workerPool:WorkerPool',
  'compute/address:Address',
  'compute/disk:Disk',
  'compute/forwardingRule:ForwardingRule',
  'compute/globalAddress:GlobalAddress',
  'compute/globalForwardingRule:GlobalForwardingRule',
  'compute/instance:Instance',
  'compute/instanceTemplate:InstanceTemplate',
  'kms/cryptoKey:CryptoKey',
  'pubsub/subscription:Subscription',
  'pubsub/topic:Topic',
  'secretmanager/regionalSecret:RegionalSecret',
  'secretmanager/secret:Secret',
  'storage/bucket:Bucket',
  'vertex/aiDataset:AiDataset',
  'vertex/aiEndpoint:AiEndpoint',
  'vertex/aiTensorboard:AiTensorboard',
]

/** The property that holds the labels, for each type of the provider that has one and that a stack may use. */
export const LABEL_PROPERTIES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(LABELS.map((type) => [`gcp:${type}`, 'labels'])),
  'gcp:container/cluster:Cluster': 'resourceLabels',
  'gcp:container/nodePool:NodePool': 'nodeConfig.resourceLabels',
  // `labels` of a channel are its settings.
  'gcp:monitoring/alertPolicy:AlertPolicy': 'userLabels',
  'gcp:monitoring/customService:CustomService': 'userLabels',
  'gcp:monitoring/notificationChannel:NotificationChannel': 'userLabels',
  'gcp:monitoring/slo:Slo': 'userLabels',
  'gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig': 'userLabels',
  'gcp:sql/databaseInstance:DatabaseInstance': 'settings.userLabels',
}

/** Where a resource has its labels; undefined for one that takes none. */
export function labelPropertyOf(resource: PlannedResource): string | undefined {
  const { type, custom } = resource
  if (takesDockerLabels(resource)) return 'labels'
  if (custom && type.startsWith('kubernetes:') && !/^kubernetes:(?:helm|yaml|kustomize)/.test(type)) {
    return 'metadata.labels'
  }
  return LABEL_PROPERTIES[type]
}
