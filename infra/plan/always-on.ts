import { isRecord, type Plan, type Planned, type PlannedResource } from './planned-resource.ts'
import { at } from './walk.ts'

/** Something that runs, or may run. */
export interface Running {
  readonly urn: string
  /** In words: `Cloud SQL instance`. */
  readonly what: string
  /** How many of it there are with nothing to do. */
  readonly least: number
  /** How many there may be; undefined for no bound of its own. */
  readonly most: number | undefined
  /** Of one of them: `db-custom-1-3840, 10 GB SSD, zonal`. */
  readonly size: string
}

/** What runs, and so bills, with nothing to do (`least` above 0), and what scales up from nothing. */
export function running(plan: Plan): Running[] {
  return plan.resources.flatMap((each) => {
    const found = BY_TYPE[each.type]?.(each.inputs, plan, each)
    return found === undefined ? [] : [{ urn: each.urn, ...found }]
  })
}

/** `1`, `0 to 3`, `2 and more` */
export function howMany({ least, most }: Pick<Running, 'least' | 'most'>): string {
  return most === undefined ? `${least} and more` : most > least ? `${least} to ${most}` : String(least)
}

type Reading = Omit<Running, 'urn'>
type Inputs = PlannedResource['inputs']

const BY_TYPE: Readonly<
  Record<string, (inputs: Inputs, plan: Plan, resource: PlannedResource) => Reading | undefined>
> = {
  'gcp:sql/databaseInstance:DatabaseInstance': (inputs) => ({
    what: 'Cloud SQL instance',
    ...always(at(inputs, 'settings.activationPolicy') === 'NEVER' ? 0 : 1),
    size: [
      said(at(inputs, 'settings.tier')),
      `${said(at(inputs, 'settings.diskSize') ?? 10)} GB ${said(at(inputs, 'settings.diskType') ?? 'PD_SSD').replace('PD_', '')}`,
      at(inputs, 'settings.availabilityType') === 'REGIONAL' ? 'with a standby in another zone' : 'one zone',
    ].join(', '),
  }),
  'gcp:container/cluster:Cluster': (inputs) => ({
    what: 'GKE control plane',
    ...always(1),
    size: inputs.enableAutopilot === true ? 'autopilot' : isZone(inputs.location) ? 'one zone' : 'regional',
  }),
  'gcp:container/nodePool:NodePool': nodePool,
  'gcp:cloudrunv2/service:Service': (inputs) => ({
    what: 'Cloud Run service',
    least:
      number(at(inputs, 'scaling.minInstanceCount')) ?? number(at(inputs, 'template.scaling.minInstanceCount')) ?? 0,
    most: number(at(inputs, 'template.scaling.maxInstanceCount')) ?? number(at(inputs, 'scaling.maxInstanceCount')),
    size: containers(at(inputs, 'template.containers')),
  }),
  'gcp:cloudrunv2/workerPool:WorkerPool': workerPool,
  'gcp:cloudrunv2/job:Job': (inputs) => ({
    what: 'Cloud Run job',
    least: 0,
    most: number(at(inputs, 'template.parallelism')) ?? number(at(inputs, 'template.taskCount')) ?? 1,
    size: containers(at(inputs, 'template.template.containers')),
  }),
  'gcp:compute/routerNat:RouterNat': () => ({ what: 'NAT gateway', ...always(1), size: 'by machine and traffic' }),
  'gcp:compute/address:Address': address,
  'gcp:compute/globalAddress:GlobalAddress': address,
  'gcp:compute/forwardingRule:ForwardingRule': () => ({ what: 'load balancer', ...always(1), size: '' }),
  'gcp:compute/globalForwardingRule:GlobalForwardingRule': () => ({ what: 'load balancer', ...always(1), size: '' }),
  'gcp:compute/instance:Instance': (inputs) => ({ what: 'machine', ...always(1), size: said(inputs.machineType) }),
  'gcp:redis/instance:Instance': (inputs) => ({
    what: 'Redis instance',
    ...always(1),
    size: `${said(inputs.memorySizeGb)} GB, ${said(inputs.tier ?? 'BASIC')}`,
  }),
  'gcp:vpcaccess/connector:Connector': (inputs) => ({
    what: 'VPC connector',
    least: number(inputs.minInstances) ?? 2,
    most: number(inputs.maxInstances),
    size: said(inputs.machineType ?? 'e2-micro'),
  }),
  'docker:index/container:Container': dockerContainer,
  'kubernetes:apps/v1:Deployment': workload,
  'kubernetes:apps/v1:StatefulSet': workload,
  'kubernetes:apps/v1:DaemonSet': (inputs) => ({
    what: 'pods of a DaemonSet',
    ...always(1),
    size: `${containers(at(inputs, 'spec.template.spec.containers'))}, on every node`,
  }),
  'kubernetes:helm.sh/v3:Release': (inputs) => ({
    what: 'Helm chart',
    ...always(1),
    size: `${said(inputs.chart)} ${said(inputs.version ?? '')}`.trim(),
  }),
}

const always = (least: number): { least: number; most: number } => ({ least, most: least })

function nodePool(inputs: Inputs): Reading {
  const total = (field: 'Min' | 'Max') => number(at(inputs, `autoscaling.total${field}NodeCount`))
  const perZone = (field: 'min' | 'max') => number(at(inputs, `autoscaling.${field}NodeCount`))
  const fixed = number(inputs.nodeCount) ?? number(inputs.initialNodeCount) ?? 1
  const isScaled = isRecord(inputs.autoscaling)
  const inZones = total('Max') === undefined && !isZone(inputs.location) ? ', in each zone' : ''
  return {
    what: 'GKE nodes',
    least: isScaled ? (total('Min') ?? perZone('min') ?? 0) : fixed,
    most: isScaled ? (total('Max') ?? perZone('max')) : fixed,
    size:
      [
        said(at(inputs, 'nodeConfig.machineType') ?? 'e2-medium'),
        ...(at(inputs, 'nodeConfig.spot') === true ? ['spot'] : []),
        ...gpus(at(inputs, 'nodeConfig.guestAccelerators')),
      ].join(', ') + inZones,
  }
}

function gpus(accelerators: Planned | undefined): string[] {
  if (!Array.isArray(accelerators)) return []
  return accelerators.map((each: Planned) => `${said(at(each, 'count'))} × ${said(at(each, 'type'))}`)
}

/** A pool of which the program says nothing has one worker. */
function workerPool(inputs: Inputs): Reading {
  const fixed = number(at(inputs, 'scaling.manualInstanceCount')) ?? (inputs.scaling === undefined ? 1 : undefined)
  return {
    what: 'Cloud Run workers',
    least: fixed ?? number(at(inputs, 'scaling.minInstanceCount')) ?? 0,
    most: fixed ?? number(at(inputs, 'scaling.maxInstanceCount')),
    size: containers(at(inputs, 'template.containers')),
  }
}

/** One that is not started again does something, and ends. */
function dockerContainer(inputs: Inputs): Reading | undefined {
  if ((inputs.restart ?? 'no') === 'no') return undefined
  const cpus = inputs.cpus === undefined ? [] : [`${said(inputs.cpus)} CPU`]
  return { what: 'container', ...always(1), size: [...cpus, `${said(inputs.memory)}Mi`].join(', ') }
}

/** Only a reserved address that the internet can reach costs something. */
function address(inputs: Inputs): Reading | undefined {
  if (inputs.addressType === 'INTERNAL') return undefined
  return { what: 'external address', ...always(1), size: '' }
}

/** A Deployment or StatefulSet, as many as its scaler says where it has one. */
function workload(inputs: Inputs, plan: Plan, resource: PlannedResource): Reading {
  const scaler = plan.resources.find((each) => isScalerOf(each, resource))?.inputs.spec
  const replicas = number(at(inputs, 'spec.replicas')) ?? 1
  return {
    what: 'pods',
    least: scaler === undefined ? replicas : (number(at(scaler, 'minReplicaCount') ?? at(scaler, 'minReplicas')) ?? 0),
    most: scaler === undefined ? replicas : number(at(scaler, 'maxReplicaCount') ?? at(scaler, 'maxReplicas')),
    size: containers(at(inputs, 'spec.template.spec.containers')),
  }
}

/** KEDA's ScaledObject, or a HorizontalPodAutoscaler. */
function isScalerOf(scaler: PlannedResource, { inputs }: PlannedResource): boolean {
  return (
    /^kubernetes:(keda\.sh\/v1alpha1:ScaledObject|autoscaling\/v2:HorizontalPodAutoscaler)$/.test(scaler.type) &&
    at(scaler.inputs, 'spec.scaleTargetRef.name') === at(inputs, 'metadata.name') &&
    at(scaler.inputs, 'metadata.namespace') === at(inputs, 'metadata.namespace')
  )
}

/** What the containers of one instance are given: `1 CPU, 512Mi`. */
function containers(value: Planned | undefined): string {
  if (!Array.isArray(value)) return ''
  return value
    .map((each: Planned) => {
      const given = at(each, 'resources.requests') ?? at(each, 'resources.limits')
      const cpu = at(given, 'cpu')
      return [
        ...(cpu === undefined ? [] : [`${said(cpu)} CPU`]),
        ...(at(given, 'memory') === undefined ? [] : [said(at(given, 'memory'))]),
      ].join(', ')
    })
    .filter(Boolean)
    .join(' + ')
}

function number(value: Planned | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

const said = (value: Planned | undefined): string => (value === undefined ? '?' : String(value))

/** `europe-west1-b`, where `europe-west1` is a region. */
const isZone = (location: Planned | undefined): boolean => typeof location === 'string' && /-[a-z]$/.test(location)
