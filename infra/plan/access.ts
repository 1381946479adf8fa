import { isRecord, type Plan, type Planned, type PlannedResource } from './planned-resource.ts'
import { at } from './walk.ts'

/** That somebody may do something. */
export interface Grant {
  /** As IAM writes it: `serviceAccount:EMAIL`; `kubernetes:NAMESPACE/NAME` for accounts of a cluster. */
  readonly identity: string
  /** For instance `roles/secretmanager.secretAccessor`, or the rules of a cluster's role. */
  readonly role: string
  /** On which resource: `bucket millrace-bundles`. */
  readonly on: string
  /** Only when this holds. */
  readonly condition: string | undefined
  /** URN of the resource that grants it. */
  readonly urn: string
}

/** Who may do what: all grants of a plan, by identity, role and resource. */
export function access({ resources }: Plan): Grant[] {
  return resources
    .flatMap((each) => [...cloudGrants(each), ...clusterGrants(each, resources)])
    .toSorted((a, b) => compare(a.identity, b.identity) || compare(a.role, b.role) || compare(a.on, b.on))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Fields of a grant that do not say what it is on. */
const NOT_THE_RESOURCE = new Set(['condition', 'etag', 'location', 'member', 'members', 'region', 'role', 'zone'])

/** What a resource of Google Cloud grants: `gcp:storage/bucketIAMMember:BucketIAMMember` and its like; others nothing. */
export function cloudGrants({ urn, type, inputs }: PlannedResource): Grant[] {
  const [, module, name] = /^gcp:(\w+)\/(?:(\w+)I[Aa][Mm]|iAM)(?:Member|Binding):/.exec(type) ?? []
  if (module === undefined) return []
  const { project, ...rest } = inputs
  const targets = Object.entries(rest).flatMap(([field, value]) => (NOT_THE_RESOURCE.has(field) ? [] : [value]))
  const kind = name
    ? words(name)
    : words(module)
        .replace(/s$/, '')
        .replace(/^serviceaccount$/, 'service account')
  const members = Array.isArray(inputs.members) ? inputs.members : [inputs.member]
  const condition = inputs.condition
  return members.map((member: Planned | undefined) => ({
    identity: said(member),
    role: said(inputs.role),
    on: `${kind} ${(targets.length > 0 ? targets : [project]).map((each) => shortName(said(each))).join('/')}`,
    condition: isRecord(condition) ? said(condition.expression) : undefined,
    urn,
  }))
}

/** A grant of a Kubernetes cluster, with what its role allows. */
function clusterGrants({ urn, type, provider, inputs }: PlannedResource, all: readonly PlannedResource[]): Grant[] {
  const kind = /^kubernetes:rbac\.authorization\.k8s\.io\/v1:(Cluster)?RoleBinding$/.exec(type)
  if (!kind) return []
  const namespace = said(at(inputs, 'metadata.namespace'))
  const subjects = Array.isArray(inputs.subjects) ? inputs.subjects : []
  return subjects.map((subject: Planned) => ({
    identity: `kubernetes:${[at(subject, 'namespace') ?? at(inputs, 'metadata.namespace'), at(subject, 'name')]
      .flatMap((part) => (part === undefined ? [] : [said(part)]))
      .join('/')}`,
    role: roleOf(inputs, provider, all),
    on: kind[1] ? 'the whole cluster' : `namespace ${namespace}`,
    condition: undefined,
    urn,
  }))
}

/** `Role agent: create,delete,get jobs.batch`: the rules, where the plan declares the role. */
function roleOf(
  binding: PlannedResource['inputs'],
  provider: string | undefined,
  all: readonly PlannedResource[],
): string {
  const kind = said(at(binding, 'roleRef.kind'))
  const name = said(at(binding, 'roleRef.name'))
  const namespace = at(binding, 'metadata.namespace')
  const role = all.find(
    (each) =>
      each.type === `kubernetes:rbac.authorization.k8s.io/v1:${kind}` &&
      each.provider === provider &&
      at(each.inputs, 'metadata.name') === name &&
      (kind === 'ClusterRole' || at(each.inputs, 'metadata.namespace') === namespace),
  )
  const rules = Array.isArray(role?.inputs.rules) ? role.inputs.rules : []
  const texts = rules.map((rule: Planned) => {
    const [group = ''] = list(at(rule, 'apiGroups'))
    const resources = list(at(rule, 'resources')).map((each) => (group ? `${each}.${group}` : each))
    const names = list(at(rule, 'resourceNames'))
    return `${list(at(rule, 'verbs')).join(',')} ${resources.join(',')}${names.length > 0 ? ` (${names.join(',')})` : ''}`
  })
  return [`${kind} ${name}`, ...(texts.length > 0 ? [texts.join('; ')] : [])].join(': ')
}

function list(value: Planned | undefined): string[] {
  return Array.isArray(value) ? value.map((each: Planned) => said(each)) : []
}

/** `secret postgis` and not `secret projects/P/secrets/postgis`; what is not known stays as it is. */
function shortName(name: string): string {
  return name.startsWith('<') ? name : (name.replace(/^b\//, '').split('/').at(-1) ?? name)
}

function said(value: Planned | undefined): string {
  return value === undefined ? '?' : String(value)
}

/** `webCloudRunService` as `web cloud run service`. */
const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim()
