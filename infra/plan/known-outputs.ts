import { isRecord, type Planned } from './planned-resource.ts'

/** Where a provider puts what does not say so itself. */
export interface Place {
  readonly project?: string | undefined
  readonly projectNumber?: string | undefined
  readonly region?: string | undefined
  readonly zone?: string | undefined
}

type Inputs = Readonly<Record<string, Planned>>
type Facts = Readonly<Record<string, string>>

/**
 * Outputs of Google Cloud resources that follow from their inputs, by type without `gcp:`. `{field}` is an input, an
 * output further up, or the provider's project, projectNumber, region or zone; `{last field}` is what follows its last
 * "/", `{lower field}` is in lower case. An output with a field that is not known is not known either.
 * Ids are those of the provider's import sections; names with a project number are so at Google and in the provider.
 */
const GCP: Readonly<Record<string, Facts>> = {
  'artifactregistry/repository:Repository': {
    id: 'projects/{project}/locations/{location}/repositories/{repositoryId}',
    name: '{repositoryId}',
    registryUri: '{location}-{lower format}.pkg.dev/{project}/{repositoryId}',
  },
  'bigquery/dataset:Dataset': { id: 'projects/{project}/datasets/{datasetId}' },
  'cloudrunv2/job:Job': { id: 'projects/{project}/locations/{location}/jobs/{name}' },
  'cloudrunv2/service:Service': { id: 'projects/{project}/locations/{location}/services/{name}' },
  'cloudrunv2/workerPool:WorkerPool': { id: 'projects/{project}/locations/{location}/workerPools/{name}' },
  'cloudscheduler/job:Job': { id: 'projects/{project}/locations/{region}/jobs/{name}' },
  'cloudtasks/queue:Queue': { id: 'projects/{project}/locations/{location}/queues/{name}' },
  'compute/address:Address': compute('regions/{region}/addresses'),
  'compute/firewall:Firewall': compute('global/firewalls'),
  'compute/globalAddress:GlobalAddress': compute('global/addresses'),
  'compute/network:Network': compute('global/networks'),
  'compute/router:Router': compute('regions/{region}/routers'),
  'compute/routerNat:RouterNat': { id: '{project}/{region}/{last router}/{name}' },
  'compute/subnetwork:Subnetwork': compute('regions/{region}/subnetworks'),
  'container/cluster:Cluster': { id: 'projects/{project}/locations/{location}/clusters/{name}' },
  'container/nodePool:NodePool': {
    id: 'projects/{project}/locations/{location}/clusters/{last cluster}/nodePools/{name}',
  },
  'iam/workloadIdentityPool:WorkloadIdentityPool': {
    id: 'projects/{project}/locations/global/workloadIdentityPools/{workloadIdentityPoolId}',
    name: 'projects/{projectNumber}/locations/global/workloadIdentityPools/{workloadIdentityPoolId}',
  },
  'iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider': {
    id: 'projects/{project}/locations/global/workloadIdentityPools/{workloadIdentityPoolId}/providers/{workloadIdentityPoolProviderId}',
    name: 'projects/{projectNumber}/locations/global/workloadIdentityPools/{workloadIdentityPoolId}/providers/{workloadIdentityPoolProviderId}',
  },
  'kms/cryptoKey:CryptoKey': { id: '{keyRing}/cryptoKeys/{name}' },
  'kms/keyRing:KeyRing': { id: 'projects/{project}/locations/{location}/keyRings/{name}' },
  'logging/metric:Metric': { id: '{name}' },
  'logging/projectSink:ProjectSink': { id: 'projects/{project}/sinks/{name}' },
  'projects/iAMCustomRole:IAMCustomRole': {
    id: 'projects/{project}/roles/{roleId}',
    name: 'projects/{project}/roles/{roleId}',
  },
  'projects/service:Service': { id: '{project}/{service}' },
  'pubsub/subscription:Subscription': { id: 'projects/{project}/subscriptions/{name}' },
  'pubsub/topic:Topic': { id: 'projects/{project}/topics/{name}' },
  'secretmanager/secret:Secret': {
    id: 'projects/{project}/secrets/{secretId}',
    name: 'projects/{projectNumber}/secrets/{secretId}',
  },
  'serviceaccount/account:Account': {
    email: '{accountId}@{project}.iam.gserviceaccount.com',
    id: 'projects/{project}/serviceAccounts/{email}',
    member: 'serviceAccount:{email}',
    name: 'projects/{project}/serviceAccounts/{email}',
  },
  'sql/database:Database': { id: 'projects/{project}/instances/{instance}/databases/{name}' },
  'sql/databaseInstance:DatabaseInstance': { connectionName: '{project}:{region}:{name}', id: '{name}' },
  'storage/bucket:Bucket': {
    id: '{name}',
    selfLink: 'https://www.googleapis.com/storage/v1/b/{name}',
    url: 'gs://{name}',
  },
}

function compute(collection: string): Facts {
  return {
    id: `projects/{project}/${collection}/{name}`,
    selfLink: `https://www.googleapis.com/compute/v1/projects/{project}/${collection}/{name}`,
  }
}

/**
 * What a provider will answer about a resource, as far as that can be told before it exists. It goes further than a
 * real preview, where all of this is unknown: so the plan can say who may do what. Everything else, addresses,
 * fingerprints, random values, stays unknown.
 */
export function knownOutputs(type: string, inputs: Inputs, place: Place): Facts {
  const token = /^(\w+):(.+)$/.exec(type)
  if (token?.[1] === 'kubernetes') return kubernetesOutputs(type, inputs)
  const templates = token?.[1] === 'gcp' && token[2] !== undefined ? GCP[token[2]] : undefined
  if (!templates) return {}
  const known: Record<string, string> = {}
  const fact = (field: string): string | undefined => text(inputs[field]) ?? known[field] ?? placeOf(field, place)
  for (const [output, template] of Object.entries(templates)) {
    const value = fill(template, fact)
    if (value !== undefined) known[output] = value
  }
  // A provider also says where it put what does not say so itself.
  for (const field of ['project', 'region', 'location']) {
    if (inputs[field] !== undefined || !Object.values(templates).some((each) => each.includes(`{${field}}`))) continue
    const value = placeOf(field, place)
    if (value !== undefined) known[field] = value
  }
  return known
}

/** Whether Pulumi makes up a name for a resource of this type that is given none: `network-3f1c2a9`. */
export function isNamedByPulumi(type: string, inputs: Inputs): boolean {
  return inputs.name === undefined && (GCP[type.replace(/^gcp:/, '')]?.id?.includes('{name}') ?? false)
}

function fill(template: string, fact: (field: string) => string | undefined): string | undefined {
  let complete = true
  const value = template.replace(/\{(?:(last|lower) )?(\w+)\}/g, (_, change: string | undefined, field: string) => {
    const found = fact(field)
    if (found === undefined) complete = false
    if (change === 'last') return found?.split('/').at(-1) ?? ''
    return (change === 'lower' ? found?.toLowerCase() : found) ?? ''
  })
  return complete ? value : undefined
}

function placeOf(field: string, { project, projectNumber, region, zone }: Place): string | undefined {
  switch (field) {
    case 'project':
      return project
    case 'projectNumber':
      return projectNumber
    case 'region':
      return region
    case 'location':
      return region ?? zone
    default:
      return undefined
  }
}

const OF_THE_WHOLE_CLUSTER =
  /:(APIService|Cluster\w+|CSIDriver|CustomResourceDefinition|IngressClass|Namespace|PersistentVolume|PriorityClass|RuntimeClass|StorageClass|\w+WebhookConfiguration)$/

/** Objects of a cluster: their id is `NAMESPACE/NAME`, or `NAME` for those of the whole cluster. */
function kubernetesOutputs(type: string, { metadata }: Inputs): Facts {
  if (!isRecord(metadata)) return {}
  const name = text(metadata.name)
  if (name === undefined) return {}
  if (OF_THE_WHOLE_CLUSTER.test(type)) return { id: name }
  const namespace = text(metadata.namespace)
  return namespace === undefined ? {} : { id: `${namespace}/${name}` }
}

/** A text or number that is known; nothing for one that is not, or is secret. */
function text(value: Planned | undefined): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
