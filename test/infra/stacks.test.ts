import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { stackNames } from '@millrace/release'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { readAgentContract } from '../../images/agent/contract.ts'
import { access } from '../../infra/plan/access.ts'
import { faults } from '../../infra/plan/check.ts'
import { mermaid } from '../../infra/plan/graph.ts'
import { inventory } from '../../infra/plan/inventory.ts'
import { isRecord, type Plan, type Planned, type PlannedResource, Unknown } from '../../infra/plan/planned-resource.ts'
import { planProgram } from '../../infra/plan/run.ts'
import { readStack } from '../../infra/plan/stack-file.ts'
import { violations } from '../../infra/policy/index.ts'
import { itemsAt } from '../../infra/policy/values.ts'
import { podTemplate } from '../../platform/agents/launchers/kubernetes/pod-template.ts'
import { AGENT_RIGHTS } from '../fakes/kubernetes/api-server.ts'

// A plan is two processes; on a busy machine they take their time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const stacks = stackNames(ROOT)
const plans = new Map<string, Plan>()
let dev: Plan
let prod: Plan
beforeAll(async () => {
  await Promise.all(stacks.map(async (stack) => plans.set(stack, await planProgram(readStack(ROOT, stack)))))
  ;[dev, prod] = [planOf('dev'), planOf('prod')]
})

describe.each(stacks)('the stack %s', (stack) => {
  it('has exactly the resources of its inventory', () => {
    const kept = readFileSync(`${ROOT}/test/infra/inventory/${stack}.txt`, 'utf8')
    const update = `npm run -s plan -- ${stack} --inventory > test/infra/inventory/${stack}.txt`
    expect(inventory(planOf(stack)), `when this is what should change: ${update}`).toBe(kept)
  })

  it('is in order, and keeps every policy', () => {
    expect(faults(planOf(stack), readStack(ROOT, stack).secretTexts)).toEqual([])
    expect(violations(planOf(stack)).map(({ policy, message }) => `${message} [${policy}]`)).toEqual([])
  })

  it('is planned without a warning', () => {
    expect(planOf(stack).warnings).toEqual([])
  })
})

it('the picture of the architecture is the one that the program draws', () => {
  const page = readFileSync(`${ROOT}/docs/architecture.md`, 'utf8')
  const [, drawn] = /<!-- graph -->\n```mermaid\n([\s\S]*?)```/.exec(page) ?? []
  const update = 'put what `npm run -s plan -- prod --graph` prints into docs/architecture.md'
  expect(mermaid(prod), update).toBe(drawn)
})

/** What stands for each capability of the systems before this one, in prod. */
describe('prod has', () => {
  it('a deployment from GitHub without keys, for one repository by number (C1)', () => {
    const provider = one(prod, 'WorkloadIdentityPoolProvider', 'provider')
    expect(provider.inputs.attributeCondition).toBe(
      'assertion.repository_id == "100000001" && assertion.repository_owner_id == "1000001"',
    )
    const mapping = provider.inputs.attributeMapping
    const may = isRecord(mapping) ? mapping['attribute.may'] : undefined
    expect(may).toContain('assertion.environment == "prod"')
    expect(may).toContain('assertion.ref == "refs/heads/main" || assertion.ref.startsWith("refs/tags/v")')
    expect(may).toContain('assertion.event_name == "pull_request" ? "preview"')
    const bound = all(prod, 'IAMMember').flatMap(
      ({ inputs }) => String(inputs.member).match(/attribute\.may\/\w+/) ?? [],
    )
    expect(bound.toSorted()).toEqual(['attribute.may/apply', 'attribute.may/preview'])
  })

  it('a registry that cleans itself up, but keeps what a release is made of (C2)', () => {
    const { cleanupPolicies } = one(prod, 'Repository', 'images').inputs
    expect(cleanupPolicies).toEqual([
      { id: 'keep-newest', action: 'KEEP', mostRecentVersions: { keepCount: 20 } },
      { id: 'keep-releases', action: 'KEEP', condition: { tagState: 'TAGGED', tagPrefixes: ['release-'] } },
      { id: 'delete-old', action: 'DELETE', condition: { tagState: 'ANY', olderThan: '2592000s' } },
    ])
  })

  it('secrets in one place, told to processes by version and never by value (C3)', () => {
    for (const text of environments(prod)) expect(text).not.toMatch(/secret>/)
    const agent = one(prod, 'WorkerPool', 'agent-vertex')
    expect(JSON.stringify(agent.inputs)).toContain('MILLRACE_SECRETS')
  })

  it('a private network, and a way into it for the console alone (C4)', () => {
    expect(all(prod, 'Firewall')).toEqual([])
    const open = all(prod, 'Service').filter(({ inputs }) => inputs.ingress === 'INGRESS_TRAFFIC_ALL')
    expect(open.map(({ name, inputs }) => [name, inputs.iapEnabled])).toEqual([['console', true]])
  })

  it('nodes that start containers before all of the image is there (C5)', () => {
    const pools = all(prod, 'NodePool')
    expect(pools).toHaveLength(4)
    for (const { inputs } of pools) expect(inputs.nodeConfig).toMatchObject({ gcfsConfig: { enabled: true } })
  })

  it('an agent that launches on Vertex, and may do no more than that (C6)', () => {
    const role = one(prod, 'IAMCustomRole', 'vertex-launcher')
    expect(role.inputs.permissions).toContain('aiplatform.customJobs.create')
    const grants = access(prod).filter(({ identity }) => identity.startsWith('serviceAccount:agent-vertex@'))
    expect(grants.map(({ role: granted }) => granted)).not.toContain('roles/aiplatform.user')
  })

  it('a Kubernetes agent with rights of its own, and pools that go from 0 to 100 (C7)', () => {
    const pools = Object.fromEntries(all(prod, 'NodePool').map(({ inputs }) => [String(inputs.name), inputs]))
    expect(pools.small?.autoscaling).toMatchObject({ totalMinNodeCount: 0, totalMaxNodeCount: 100 })
    expect(pools.gpu?.nodeConfig).toMatchObject({ guestAccelerators: [{ type: 'nvidia-tesla-t4', count: 1 }] })
    const textsAt = (value: Planned, path: string) => itemsAt(value, path).map((each) => String(each.value))
    const rights = itemsAt(one(prod, 'Role', 'agent-gke').inputs, 'rules').flatMap(({ value: rule }) =>
      textsAt(rule, 'resources').flatMap((resource) => textsAt(rule, 'verbs').map((verb) => `${verb} ${resource}`)),
    )
    // Those that the launcher is tested with, and no others.
    expect(rights.toSorted()).toEqual(AGENT_RIGHTS.toSorted())
  })

  it('workers that KEDA scales with the queue, from nothing, on spot machines, and that drain (C8)', () => {
    const scaled = one(prod, 'ScaledObject', 'workers-standard').inputs.spec
    expect(scaled).toMatchObject({ minReplicaCount: 0, maxReplicaCount: 100 })
    expect(scaled).toMatchObject({ triggers: [{ type: 'metrics-api', metadata: { targetValue: '20' } }] })
    const workers = one(prod, 'Deployment', 'workers-standard')
    expect(JSON.stringify(workers.inputs)).toContain('"terminationGracePeriodSeconds":630')
    // How many there are is for KEDA to say.
    expect(JSON.stringify(workers.inputs)).not.toContain('replicas')
    expect(one(prod, 'PodDisruptionBudget', 'workers-standard').inputs.spec).toMatchObject({ maxUnavailable: '25%' })
  })
})

describe('what a job on GitHub may in prod', () => {
  const MAIN = 'refs/heads/main'
  it.each<[what: string, claims: { event_name: string; ref: string; environment?: string }, may: string]>([
    ['a pull request looks', { event_name: 'pull_request', ref: 'refs/pull/7/merge' }, 'preview'],
    ['also when it names the environment', { event_name: 'pull_request', ref: MAIN, environment: 'prod' }, 'preview'],
    ['main applies in the environment', { event_name: 'push', ref: MAIN, environment: 'prod' }, 'apply'],
    ['so does a release tag', { event_name: 'push', ref: 'refs/tags/v1.2.0', environment: 'prod' }, 'apply'],
    ['main looks without the environment', { event_name: 'schedule', ref: MAIN }, 'preview'],
    ['and in the environment of another stack', { event_name: 'push', ref: MAIN, environment: 'dev' }, 'preview'],
    ['another tag is nobody', { event_name: 'push', ref: 'refs/tags/nightly', environment: 'prod' }, 'nothing'],
    ['a branch is nobody', { event_name: 'push', ref: 'refs/heads/main-2', environment: 'prod' }, 'nothing'],
    ['nor when started by hand', { event_name: 'workflow_dispatch', ref: 'refs/heads/x' }, 'nothing'],
  ])('%s', (_what, claims, may) => {
    const mapping = one(prod, 'WorkloadIdentityPoolProvider', 'provider').inputs.attributeMapping
    const expression = isRecord(mapping) ? String(mapping['attribute.may']) : ''
    // What it is written in (CEL) reads the same in JavaScript, as far as it is used here.
    const decide = runInNewContext(`(assertion) => ${expression}`) as (assertion: typeof claims) => string
    expect(decide(claims)).toBe(may)
  })
})

describe('dev', () => {
  it('is Cloud Run alone', () => {
    expect(dev.resources.filter(({ type }) => /kubernetes|container\/|aiplatform/.test(type))).toEqual([])
  })

  it('has workers on Cloud Run, whose number is the agent’s to set', () => {
    const workers = one(dev, 'WorkerPool', 'workers-standard')
    expect(workers.inputs.scaling).toEqual({ manualInstanceCount: 0 })
    expect(workers.ignoreChanges).toEqual(['scaling.manualInstanceCount'])
    const scaler = one(dev, 'WorkerPoolIamMember', 'workers-standard-scaled')
    expect(scaler.inputs).toMatchObject({ role: 'roles/run.developer', name: 'workers-standard' })
  })
})

describe('an agent', () => {
  it.each([
    ['dev', 'cloud-run'],
    ['prod', 'cloud-run'],
    ['prod', 'vertex'],
    ['prod', 'gke'],
  ])('of %s, %s, is told what it reads', (stack, agent) => {
    const told = environmentOf(planOf(stack), `agent-${agent}`)
    const contract = readAgentContract(told)
    expect(contract).toMatchObject({
      MILLRACE_AGENT: agent,
      MILLRACE_ENV: stack,
      MILLRACE_PROJECT: `example-millrace-${stack}`,
      MILLRACE_REGION: 'europe-west1',
      MILLRACE_RELEASES: `gs://example-millrace-${stack}-releases`,
    })
    // Nothing that nobody reads.
    expect(Object.keys(told).filter((name) => !(name in contract))).toEqual([])
  })

  it('is told the network of its jobs as its launcher takes it', () => {
    const network = prod.resources.find(({ type }) => type === 'gcp:compute/network:Network')?.inputs.name
    // Where no subnetwork is named, Cloud Run takes the one of the network's name.
    expect(one(prod, 'Subnetwork', 'subnetwork').inputs.name).toBe(network)
    expect(environmentOf(prod, 'agent-cloud-run').MILLRACE_NETWORK).toBe(network)
    expect(environmentOf(prod, 'agent-vertex').MILLRACE_NETWORK).toBe(
      `projects/100000000002/global/networks/${network}`,
    )
    expect(environmentOf(prod, 'agent-gke').MILLRACE_NAMESPACE).toBe('millrace')
  })

  it('starts the pods of a flow as an account that is there', () => {
    const spec = {
      ...{ name: 'millrace-r1-1', run: 'r1', launch: 1, flow: 'hello', stack: 'prod', environment: {} },
      ...{ driver: {}, workers: { count: 0 }, account: releaseOf(prod).deployments.hello.account as string },
    }
    const named = podTemplate('driver', spec, {}).spec?.serviceAccountName
    const account = one(prod, 'ServiceAccount', 'flow-hello')
    expect(account.inputs.metadata).toMatchObject({
      name: named,
      namespace: 'millrace',
      annotations: { 'iam.gke.io/gcp-service-account': spec.account },
    })
    // A pod whose account is not there is not made.
    expect(dependenciesOf(prod)(one(prod, 'BucketObject', 'newest'))).toContain(account.urn)
  })

  it('on Cloud Run keeps the size of the worker pools that are there, and may', () => {
    const pools = readAgentContract(environmentOf(dev, 'agent-cloud-run')).MILLRACE_POOLS
    expect(pools).toEqual({
      standard: { pool: 'workers-standard', min: 0, max: 5, tasksPerWorker: 20, cooldown: 300 },
    })
    const workers = one(dev, 'WorkerPool', 'workers-standard')
    expect(workers.inputs.name).toBe(pools?.standard?.pool)
    expect(environmentOf(dev, 'workers-standard').MILLRACE_CLUSTER).toBe('standard')
    const grants = access(dev).filter(({ identity }) => identity.startsWith('serviceAccount:agent-cloud-run@'))
    expect(grants.map(({ role, on }) => `${role} on ${on}`)).toEqual(
      expect.arrayContaining([
        'roles/run.developer on worker pool workers-standard',
        'roles/iam.serviceAccountUser on service account workers-standard@example-millrace-dev.iam.gserviceaccount.com',
        'roles/artifactregistry.reader on repository millrace',
      ]),
    )
    // Where there are none it is told of none.
    expect(environmentOf(prod, 'agent-cloud-run').MILLRACE_POOLS).toBeUndefined()
  })
})

describe('a first up', () => {
  it('starts no process before it may do all that it needs', () => {
    for (const plan of [dev, prod]) {
      const before = dependenciesOf(plan)
      for (const process of plan.resources.filter(({ type }) => /:(WorkerPool|Service|Deployment)$/.test(type))) {
        if (!/cloudrunv2|apps\/v1/.test(process.type) || process.name.startsWith('keda')) continue
        const id = process.name
        const grants = plan.resources.filter(
          ({ name, type }) =>
            /(User|IamMember|IAMMember)$/.test(type) &&
            name.startsWith(`${id}-`) &&
            !/-(scaled|proxy|access)/.test(name),
        )
        expect(grants.length, id).toBeGreaterThan(0)
        for (const grant of grants) expect(before(process), `${id} waits for ${grant.name}`).toContain(grant.urn)
      }
    }
  })

  it('makes the database when its network is connected to Google’s services', () => {
    const peering = one(prod, 'Connection', 'peering')
    expect(dependenciesOf(prod)(one(prod, 'DatabaseInstance', 'postgres'))).toContain(peering.urn)
  })
})

describe('a stack that was destroyed', () => {
  it('can be made again: what Google keeps the names of has one by chance', () => {
    expect(one(prod, 'DatabaseInstance', 'postgres').inputs.name).toBeUndefined()
    expect(one(prod, 'WorkloadIdentityPool', 'pool').inputs.workloadIdentityPoolId).toBeInstanceOf(Unknown)
  })

  it('was not protected any more, by one value in its config', async () => {
    const stack = readStack(ROOT, 'prod')
    const config = { ...stack.config, 'millrace:protect': 'false' }
    const open = await planProgram({ ...stack, config }, { origins: false })
    expect(open.resources.filter(({ protect }) => protect)).toEqual([])
    expect(open.outputs.isProtected).toBe(false)
    const held = JSON.stringify(open.resources.map(({ inputs }) => inputs)).match(
      /"deletionProtection(Enabled)?":true/g,
    )
    expect(held).toBeNull()
    expect(prod.resources.filter(({ protect }) => protect).length).toBeGreaterThan(4)
  })
})

describe('a flow', () => {
  it('is somebody of its own, and writes below its own prefix alone', () => {
    const grants = access(prod).filter(({ identity }) => identity.startsWith('serviceAccount:flow-hello@'))
    const written = grants.filter(({ role }) => role === 'roles/storage.objectUser')
    expect(written).toHaveLength(1)
    expect(written[0]?.condition).toContain('/objects/flows/hello/')
    expect(grants.filter(({ role }) => role === 'roles/secretmanager.secretAccessor')).toEqual([])
  })

  it('is in the release with all that a run of it needs', () => {
    const { datacube } = releaseOf(prod).deployments
    expect(datacube).toMatchObject({
      account: 'flow-datacube@example-millrace-prod.iam.gserviceaccount.com',
      store: 'gs://example-millrace-prod-results/flows/datacube/',
      cluster: 'standard',
      image: 'europe-west1-docker.pkg.dev/example-millrace-prod/millrace/flow-datacube@<flow-datacube.digest>',
    })
    const code = all(prod, 'BucketObject').find(({ inputs }) => inputs.name === `datacube/${datacube.bundle}.mjs`)
    expect(code?.retainOnDelete).toBe(true)
  })
})

describe('the release', () => {
  it('is written when all that it names is there, and the pointer to it last', () => {
    const record = one(prod, 'BucketObject', 'release')
    const before = dependenciesOf(prod)(record)
    for (const each of all(prod, 'BucketObject').filter(({ name }) => name.startsWith('bundle-'))) {
      expect(before).toContain(each.urn)
    }
    expect(dependenciesOf(prod)(one(prod, 'BucketObject', 'newest'))).toContain(record.urn)
    // Whoever runs it is of this `up` by then, and so are the images that it names.
    for (const each of all(prod, 'Image')) expect(before).toContain(each.urn)
    for (const each of prod.resources.filter(
      ({ type, name }) => /WorkerPool|Deployment$/.test(type) && /^(agent|workers)-/.test(name),
    )) {
      expect(before).toContain(each.urn)
    }
    // It can be gone back to when newer ones are made.
    expect(record.retainOnDelete).toBe(true)
  })

  it('has a name and a text that hang on what is in it alone', async () => {
    const again = await planProgram(readStack(ROOT, 'prod'))
    expect(releaseOf(again)).toEqual(releaseOf(prod))
  })
})

/** The record of the release as it will be, with `<NAME.digest>` for the digests of images that are yet to be built. */
function releaseOf(plan: Plan) {
  const { source } = one(plan, 'BucketObject', 'release').inputs
  return JSON.parse(JSON.parse(String(source)).asset.text)
}

function planOf(stack: string): Plan {
  const plan = plans.get(stack)
  if (!plan) throw new Error(`there is no stack ${stack}`)
  return plan
}

/** The one resource of a kind (the end of its type) and name. */
function one(plan: Plan, kind: string, name: string): PlannedResource {
  const [found, ...more] = all(plan, kind).filter((each) => each.name === name)
  if (!found || more.length > 0) throw new Error(`the plan has ${more.length ? 'several' : 'no'} ${kind} ${name}`)
  return found
}

function all({ resources }: Plan, kind: string): PlannedResource[] {
  return resources.filter(({ type }) => type.endsWith(`:${kind}`))
}

/** What the one container of a worker pool or deployment is told; what is known only later as it will look. */
function environmentOf(plan: Plan, name: string): Record<string, string> {
  const found = plan.resources.find((each) => each.name === name && /:(WorkerPool|Deployment)$/.test(each.type))
  const template = found?.inputs.template ?? (isRecord(found?.inputs.spec) ? found.inputs.spec.template : undefined)
  const pod = isRecord(template) && isRecord(template.spec) ? template.spec : template
  const [container] = isRecord(pod) && Array.isArray(pod.containers) ? pod.containers : []
  const variables = isRecord(container) ? (container.envs ?? container.env) : undefined
  if (!Array.isArray(variables)) throw new Error(`the plan has no process ${name}`)
  return Object.fromEntries(
    variables.flatMap((each) => (isRecord(each) ? [[String(each.name), String(each.value)]] : [])),
  )
}

function environments({ resources }: Plan): string[] {
  return resources.flatMap(({ inputs }) => JSON.stringify(inputs).match(/"envs?":\[.*?\]/g) ?? [])
}

/** All that must be there before a resource, near and far. */
function dependenciesOf({ resources }: Plan): (of: PlannedResource) => Set<string> {
  const byUrn = new Map(resources.map((each) => [each.urn, each]))
  return (of) => {
    const found = new Set<string>()
    const visit = (urn: string): void => {
      if (found.has(urn)) return
      found.add(urn)
      for (const next of byUrn.get(urn)?.dependencies ?? []) visit(next)
    }
    for (const each of of.dependencies) visit(each)
    return found
  }
}
