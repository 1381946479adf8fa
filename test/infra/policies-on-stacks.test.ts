import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { isRecord, type Plan, type Planned, type PlannedResource, Unknown } from '../../infra/plan/planned-resource.ts'
import { planProgram } from '../../infra/plan/run.ts'
import { readStack } from '../../infra/plan/stack-file.ts'
import { policies, violations } from '../../infra/policy/index.ts'
import { LABEL_PROPERTIES } from '../../infra/policy/label-properties.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The plan of a stack, with some of its config changed. */
function planOf(stack: string, config: Readonly<Record<string, string>> = {}): Promise<Plan> {
  const program = readStack(ROOT, stack)
  return planProgram({ ...program, config: { ...program.config, ...config } })
}

let plans: Readonly<Record<string, Plan>>

beforeAll(async () => {
  const [dev, prod, leaving] = await Promise.all([
    planOf('dev'),
    planOf('prod'),
    planOf('prod', { 'millrace:protect': 'false' }),
  ])
  plans = { dev, prod, leaving }
}, 240_000)

const find = (stack: string): Plan => {
  const plan = plans[stack]
  if (!plan) throw new Error(`there is no plan of ${stack}`)
  return plan
}

describe.each([
  ['dev', true],
  ['prod', true],
  // One config value takes the protection off everything, so that the stack can be destroyed.
  ['leaving', false],
])('the stack %s', (stack, isProtected) => {
  it('keeps every policy', () => {
    expect(violations(find(stack)).map(({ policy, message }) => `${message} [${policy}]`)).toEqual([])
  })

  it(isProtected ? 'protects what holds data' : 'protects nothing any more', () => {
    expect(find(stack).outputs.isProtected).toBe(isProtected)
    expect(find(stack).resources.some(({ protect }) => protect)).toBe(isProtected)
  })
})

/** Types of the provider that the stacks use. */
const typesUsed = (): string[] =>
  [...new Set(Object.values(plans).flatMap(({ resources }) => resources.map(({ type }) => type)))].toSorted()

const PROVIDER = dirname(createRequire(import.meta.url).resolve('@pulumi/gcp'))
/** Files of classes by the path in their type, in lower case: `iAMCustomRole` is in `iamcustomRole.js`. */
const CLASSES = new Map(globSync('*/*.js', { cwd: PROVIDER }).map((file) => [file.toLowerCase(), file]))

/** What a resource of the provider takes, read from its class. */
function inputsOf(type: string): string[] {
  const file = CLASSES.get(`${type.split(':')[1]}.js`.toLowerCase())
  if (file === undefined) throw new Error(`the provider has no class for ${type}`)
  const source = readFileSync(join(PROVIDER, file), 'utf8')
  return [...source.matchAll(/resourceInputs\["(\w+)"\] = args/g)].flatMap(([, name]) => name ?? [])
}

describe('labels', () => {
  it('are looked for where the provider has them', () => {
    for (const [type, property] of Object.entries(LABEL_PROPERTIES)) {
      expect(inputsOf(type), type).toContain(property.replace(/\..*$/, ''))
    }
  })

  it('are looked for on all that take them, of what the stacks use', () => {
    const takesLabels = typesUsed()
      .filter((type) => type.startsWith('gcp:'))
      .filter((type) => inputsOf(type).some((name) => ['labels', 'userLabels', 'resourceLabels'].includes(name)))
    expect(takesLabels).not.toEqual([])
    expect(takesLabels.filter((type) => !(type in LABEL_PROPERTIES))).toEqual([])
  })
})

/** A copy of a value with another one at a path: `template.containers.0.image`; undefined takes it away. */
function withValue(value: Planned | undefined, [key, ...rest]: readonly string[], put: Planned | undefined): Planned {
  if (key === undefined) return put ?? null
  if (Array.isArray(value)) {
    return value.map((each: Planned, index) => (String(index) === key ? withValue(each, rest, put) : each))
  }
  const fields = isRecord(value) ? value : {}
  if (rest.length > 0 || put !== undefined) return { ...fields, [key]: withValue(fields[key], rest, put) }
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== key))
}

/** A plan whose first resource of a type, with a name that begins so, is another one. */
function changed(plan: Plan, type: string, name: string, change: (resource: PlannedResource) => PlannedResource): Plan {
  const index = plan.resources.findIndex((each) => each.type.endsWith(type) && each.name.startsWith(name))
  const found = plan.resources[index]
  if (!found) throw new Error(`the plan has no ${type} ${name}`)
  return { ...plan, resources: plan.resources.with(index, change(found)) }
}

const setting = (path: string, put?: Planned) => (resource: PlannedResource) => {
  const inputs = withValue(resource.inputs, path.split('.'), put)
  return { ...resource, inputs: isRecord(inputs) ? inputs : {} }
}
const waitingForNothing = (resource: PlannedResource) => ({ ...resource, dependencies: [], provider: undefined })

/** Breaks of real resources: that the policies look where the program puts things. */
const BREAKS: readonly (readonly [
  policy: string,
  stack: string,
  type: string,
  name: string,
  change: (resource: PlannedResource) => PlannedResource,
])[] = [
  ['private-buckets', 'dev', ':Bucket', 'results', setting('publicAccessPrevention', 'inherited')],
  ['private-database', 'dev', ':DatabaseInstance', '', setting('settings.ipConfiguration.ipv4Enabled', true)],
  ['private-cluster', 'prod', 'cluster:Cluster', '', setting('controlPlaneEndpointsConfig')],
  ['private-kubernetes', 'prod', 'v1:Service', '', setting('spec.type', 'LoadBalancer')],
  ['console-behind-iap', 'dev', ':Service', 'console', setting('iapEnabled', false)],
  ['no-public-members', 'dev', ':BucketIAMMember', '', setting('member', 'allUsers')],
  ['federation-condition', 'dev', ':WorkloadIdentityPoolProvider', '', setting('attributeCondition', 'true')],
  ['federation-condition', 'dev', ':WorkloadIdentityPoolProvider', '', setting('attributeCondition')],
  [
    'federation-binding',
    'dev',
    'serviceaccount/iAMMember:IAMMember',
    'apply',
    (each) =>
      setting('member', new Unknown('pool.name', String(each.inputs.member).replace(/attribute.*$/, '*')))(each),
  ],
  ['preview-reads-only', 'dev', 'projects/iAMMember:IAMMember', 'preview', setting('role', 'roles/run.developer')],
  ['narrow-grants', 'dev', 'projects/iAMMember:IAMMember', 'agent', setting('condition')],
  ['no-basic-roles', 'dev', 'projects/iAMMember:IAMMember', 'apply', setting('role', 'roles/editor')],
  ['role-names', 'dev', 'projects/iAMMember:IAMMember', 'apply', setting('role', 'run.admin')],
  ['flow-accounts', 'dev', ':BucketIAMMember', 'flow-hello', setting('condition')],
  ['kubernetes-accounts', 'prod', 'v1:ServiceAccount', 'flow-hello', setting('metadata.name', 'hello')],
  [
    'kubernetes-accounts',
    'prod',
    'v1:ServiceAccount',
    'agent-gke',
    setting('metadata.annotations', { 'iam.gke.io/gcp-service-account': 'other@p.iam.gserviceaccount.com' }),
  ],
  ['kubernetes-accounts', 'prod', 'serviceaccount/iAMMember:IAMMember', 'flow-hello-workload', setting('member', 'x')],
  ['data-protected', 'dev', ':Bucket', 'results', (each) => ({ ...each, protect: false })],
  ['data-protected', 'leaving', 'cluster:Cluster', '', setting('deletionProtection', true)],
  ['database-recovers', 'prod', ':DatabaseInstance', '', setting('settings.backupConfiguration.enabled', false)],
  ['deletion-decided', 'dev', ':WorkerPool', '', setting('deletionProtection')],
  ['images-by-digest', 'dev', ':WorkerPool', '', setting('template.containers.0.image', 'agent:v1')],
  ['images-by-digest', 'prod', 'v1:Deployment', 'keda', setting('spec.template.spec.containers.0.image', 'keda:2')],
  ['labelled', 'dev', ':Secret', '', setting('labels.stack')],
  ['valid-labels', 'prod', 'v1:Deployment', '', setting('spec.template.metadata.labels.version', 'v 1')],
  ['secrets-marked', 'dev', ':SecretVersion', '', setting('secretData', 'hunter2')],
  [
    'no-secret-literals',
    'dev',
    ':WorkerPool',
    '',
    setting('template.containers.0.envs.0', { name: 'A_TOKEN', value: 'x' }),
  ],
  ['cloud-run-environment', 'dev', ':Service', 'console', setting('template.containers.0.envs.0.name', 'PORT')],
  ['cloud-run-resources', 'dev', ':Service', 'console', setting('template.containers.0.resources.limits.cpu', '500m')],
  ['services-first', 'dev', ':Bucket', 'results', waitingForNothing],
  ['grants-first', 'dev', ':WorkerPool', '', waitingForNothing],
  ['grants-first', 'prod', 'v1:Deployment', 'agent', waitingForNothing],
  ['peering-first', 'dev', ':DatabaseInstance', '', waitingForNothing],
  ['google-names', 'dev', 'serviceaccount/account:Account', '', setting('accountId', 'x')],
  ['google-durations', 'dev', ':Service', 'console', setting('template.timeout', '5m')],
  ['database-settings', 'dev', ':DatabaseInstance', '', setting('settings.edition')],
  ['database-users', 'dev', ':DatabaseInstance', '', setting('settings.databaseFlags')],
  ['alert-conditions', 'dev', ':AlertPolicy', 'backlog', setting('alertStrategy.notificationRateLimit')],
  ['alert-conditions', 'dev', ':AlertPolicy', 'database', setting('conditions.0.conditionThreshold.comparison', 'GT')],
  ['cluster-settings', 'prod', 'cluster:Cluster', '', setting('initialNodeCount')],
  ['node-pools', 'prod', ':NodePool', '', setting('nodeCount', 1)],
  ['kubernetes-names', 'prod', 'v1:Deployment', '', setting('metadata.name', 'My_agent')],
  [
    'quantities',
    'prod',
    'v1:Deployment',
    '',
    setting('spec.template.spec.containers.0.resources.limits.memory', '1GB'),
  ],
]

describe('the policies see the real program', () => {
  it.each(BREAKS)('%s: in %s a broken %s %s is found', (policy, stack, type, name, change) => {
    const before = violations(find(stack)).filter((each) => each.policy === policy)
    const after = violations(changed(find(stack), type, name, change)).filter((each) => each.policy === policy)
    expect(after.length).toBeGreaterThan(before.length)
  })

  it('names only policies that there are', () => {
    const names = policies.map(({ name }) => name)
    expect(BREAKS.filter(([policy]) => !names.includes(policy))).toEqual([])
  })
})
