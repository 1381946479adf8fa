import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readAgentContract } from '../../images/agent/contract.ts'
import { readContract } from '../../images/runtime/contract.ts'
import { PlanError } from '../../infra/plan/plan-error.ts'
import {
  isRecord,
  type Plan,
  type Planned,
  type PlannedResource,
  SecretValue,
  Unknown,
} from '../../infra/plan/planned-resource.ts'
import { planProgram } from '../../infra/plan/run.ts'
import { readStack } from '../../infra/plan/stack-file.ts'
import { titleOf } from '../../infra/plan/title.ts'
import { violations } from '../../infra/policy/index.ts'
import { dependenciesOf } from '../../infra/policy/tree.ts'
import { copyProject } from '../e2e/project-copy.ts'
import { type FakeDocker, fakeDocker } from '../fakes/image-tools.ts'

/** The stack of containers: what one Docker engine gets, and what its processes are told. */

// Each plan is a process or two; on a busy machine they take their time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The plan, with some of its config changed. */
function planOf(config: Readonly<Record<string, string>> = {}, root = ROOT, origins = true): Promise<Plan> {
  const program = readStack(root, 'local')
  return planProgram({ ...program, config: { ...program.config, ...config } }, { origins })
}

let local: Plan
let other: Plan
beforeAll(async () => {
  ;[local, other] = await Promise.all([
    planOf(),
    planOf({
      'millrace:folder': '/srv/millrace',
      'millrace:database': '{"port":5433}',
      'millrace:agent': '{"engine":{"host":"tcp://engine.example.org:2376","certificates":"/etc/millrace/engine"}}',
      'millrace:protect': 'false',
    }),
  ])
})

function container(name: string, plan = local): PlannedResource {
  const found = containers(plan).find((each) => each.name === name)
  if (!found) throw new Error(`there is no container ${name}`)
  return found
}

function containers(plan = local): PlannedResource[] {
  return plan.resources.filter(({ type }) => type === 'docker:index/container:Container')
}

/** Those that serve until they are told to go; the others do something, and end. */
const services = (plan = local): PlannedResource[] => containers(plan).filter(({ inputs }) => inputs.restart !== 'no')

const listOf = (value: Planned | undefined): readonly Planned[] => (Array.isArray(value) ? value : [])

/** What a process is told; a secret is the database's URL, as the run contract has it, or Postgres' password. */
function told(name: string, plan = local): Record<string, string> {
  const isDatabase = name === 'database'
  const pairs = listOf(container(name, plan).inputs.envs).map((each) => {
    if (each instanceof SecretValue)
      return [isDatabase ? 'secret' : 'MILLRACE_DATABASE', 'postgres://database/millrace']
    const [, key = '', value = ''] = /^(\w+)=(.*)$/s.exec(String(each)) ?? []
    return [key, value]
  })
  return Object.fromEntries(pairs)
}

describe('the stack local', () => {
  it('is a database, an agent, workers and a console; and a container that opens its volume and one that brings a release', () => {
    expect(services().map(({ name }) => name)).toEqual([
      'database',
      'agent',
      'workers-standard-1',
      'workers-standard-2',
      'console',
    ])
    expect(
      containers()
        .filter((each) => !services().includes(each))
        .map(({ name }) => name),
    ).toEqual(['data-opened', 'release'])
    expect(services().map(({ inputs }) => inputs.name)).toContain('millrace-local-agent')
    expect(local.resources.some(({ type }) => type.startsWith('gcp:'))).toBe(false)
  })

  it('keeps what must not be lost in volumes that are protected, and lets go of all by one value', () => {
    const volumes = (plan: Plan) => plan.resources.filter(({ type }) => type === 'docker:index/volume:Volume')
    expect(volumes(local).map(({ name, protect }) => [name, protect])).toEqual([
      ['database', true],
      ['data', true],
    ])
    expect(other.resources.filter(({ protect }) => protect)).toEqual([])
  })

  it('starts again what ends, lets it finish what it does, and stops it before another takes its name', () => {
    for (const { inputs, deleteBeforeReplace } of services()) {
      expect(inputs.restart).toBe('unless-stopped')
      expect(inputs.stopTimeout).toBe(inputs.destroyGraceSeconds)
      expect(deleteBeforeReplace).toBe(true)
    }
    const { MILLRACE_DRAIN_SECONDS: drain } = told('workers-standard-1')
    expect(Number(container('workers-standard-1').inputs.stopTimeout)).toBeGreaterThan(Number(drain))
  })

  it('makes a release known when all that runs it is of the same up, and that when the database answers', () => {
    const above = dependenciesOf(local)
    for (const runner of ['agent', 'workers-standard-1', 'workers-standard-2']) {
      expect(above(container('release'))).toContain(container(runner).urn)
      expect(above(container(runner))).toContain(container('database').urn)
      expect(above(container(runner))).toContain(container('data-opened').urn)
    }
    expect(container('database').inputs.wait).toBe(true)
  })

  it('says of a wrong kind of stack which there are', async () => {
    const failing = planOf({ 'millrace:on': 'podman' })
    await expect(failing).rejects.toThrow(PlanError)
    await expect(failing).rejects.toThrow(
      'Pulumi.local.yaml: millrace:on: expected "docker", or nothing for Google Cloud, got "podman"',
    )
  })
})

describe('what its processes are told', () => {
  it('is what the agent reads: the launcher, its network, what its jobs share', () => {
    expect(readAgentContract(told('agent'))).toMatchObject({
      MILLRACE_LAUNCHER: 'docker',
      MILLRACE_NETWORK: 'millrace-local-network',
      MILLRACE_RELEASES: 'file:/data/releases',
      MILLRACE_STORE: 'file:/data/results',
      MILLRACE_ENV: 'local',
      MILLRACE_PORT: 8081,
    })
    expect(told('agent').MILLRACE_BINDS).toBe('millrace-local-data:/data')
  })

  it('is what a worker reads: its cluster, and where the code of any run is', () => {
    expect(readContract(told('workers-standard-2'))).toMatchObject({
      MILLRACE_CLUSTER: 'standard',
      MILLRACE_BUNDLES: 'file:/data/bundles',
      MILLRACE_SLOTS: 1,
      MILLRACE_DRAIN_SECONDS: 60,
    })
  })

  it('is one store for what a driver leaves for standing workers', () => {
    const { deployments, bundles } = recordOf(local)
    expect(bundles).toBe(told('workers-standard-1').MILLRACE_BUNDLES)
    for (const each of Object.values(deployments)) expect(each.store).toBe(told('workers-standard-1').MILLRACE_STORE)
  })

  it('has the password of the database marked as secret, everywhere, and nowhere else', () => {
    for (const { name, inputs } of services()) {
      expect(
        listOf(inputs.envs).filter((each) => each instanceof SecretValue),
        name,
      ).toHaveLength(1)
    }
    for (const name of ['data-opened', 'release']) expect(container(name).inputs.envs).toBeUndefined()
    expect(Object.values(local.outputs).some((value) => value instanceof SecretValue)).toBe(false)
  })
})

describe('who reaches what', () => {
  it('lets nobody reach anything from outside but the console, and that from this machine', () => {
    expect(containers().flatMap(({ name, inputs }) => listOf(inputs.ports).map((port) => [name, port]))).toEqual([
      ['console', { internal: 8080, external: 8080, ip: '127.0.0.1' }],
    ])
    expect(local.outputs.consoleUrl).toBe('http://127.0.0.1:8080')
  })

  it('publishes the database to this machine where that is asked for, and there keeps its address for a person', () => {
    expect(container('database', other).inputs.ports).toEqual([{ internal: 5432, external: 5433, ip: '127.0.0.1' }])
    const secrets = (plan: Plan) =>
      listOf(container('database', plan).inputs.envs).filter((e) => e instanceof SecretValue)
    expect([secrets(local).length, secrets(other).length]).toEqual([1, 2])
  })

  it('gives the socket of the engine to the agent alone', () => {
    const holders = containers().filter(({ inputs }) => JSON.stringify(inputs.volumes ?? []).includes('.sock'))
    expect(holders.map(({ name }) => name)).toEqual(['agent'])
  })

  it('gives it to nobody where the agent asks an engine over TLS, and then the agent is not root', () => {
    expect(JSON.stringify(containers(other))).not.toContain('.sock')
    expect(container('agent', other).inputs.user).toBeUndefined()
    expect(told('agent', other)).toMatchObject({
      DOCKER_HOST: 'tcp://engine.example.org:2376',
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: '/certificates',
    })
  })

  it('lets those that only read the data write nothing to it', () => {
    const mount = (name: string) => listOf(container(name).inputs.volumes)[0]
    for (const name of ['agent', 'console'])
      expect(mount(name)).toMatchObject({ containerPath: '/data', readOnly: true })
    for (const name of ['workers-standard-1', 'release']) expect(mount(name)).toMatchObject({ readOnly: false })
  })
})

describe('data in a folder of the machine', () => {
  it('has the same path in containers, for drivers, workers and those who deploy', () => {
    expect(told('agent', other)).toMatchObject({
      MILLRACE_BINDS: '/srv/millrace:/srv/millrace',
      MILLRACE_RELEASES: 'file:/srv/millrace/releases',
    })
    expect(listOf(container('workers-standard-1', other).inputs.volumes)).toEqual([
      { hostPath: '/srv/millrace', containerPath: '/srv/millrace', readOnly: false },
    ])
    expect(recordOf(other).bundles).toBe('file:/srv/millrace/bundles')
  })

  it('is left as its owner made it', () => {
    expect(containers(other).map(({ name }) => name)).not.toContain('data-opened')
  })
})

describe('the release', () => {
  it('launches every flow by Docker, from its image by what is in it', () => {
    const { deployments, images } = recordOf(local)
    expect(Object.keys(deployments)).toEqual(['burn', 'datacube', 'hello'])
    for (const [flow, each] of Object.entries(deployments)) {
      expect(each.runOn.launcher).toBe('docker')
      expect(each.image).toBe(`millrace/flow-${flow}@<flow-${flow}.digest>`)
    }
    expect(Object.keys(images)).toEqual(['agent', 'console', 'runtime', 'worker'])
  })

  it('brings every bundle that it names, and the program that puts it in its place', () => {
    const files = listOf(container('release').inputs.uploads).map((each) => (isRecord(each) ? String(each.file) : ''))
    for (const { flow, bundle } of Object.values(recordOf(local).deployments)) {
      expect(files).toContain(`/release/data/bundles/${flow}/${bundle}.mjs`)
    }
    const [, program] = listOf(container('release').inputs.entrypoints)
    expect(files).toContain(program)
    expect(files).toContain('/release/data/releases/up.json')
  })
})

describe('the policies see it', () => {
  const BREAKS: readonly (readonly [policy: string, name: string, input: string, value: Planned])[] = [
    ['docker-rights', 'workers-standard-1', 'privileged', true],
    ['docker-rights', 'agent', 'networkMode', 'host'],
    ['docker-socket', 'console', 'volumes', [{ hostPath: '/var/run/docker.sock' }]],
    ['docker-ports', 'database', 'ports', [{ internal: 5432, external: 5432 }]],
    ['docker-images', 'database', 'image', 'postgres:17'],
    ['docker-bounds', 'workers-standard-2', 'memory', null],
    ['labelled', 'agent', 'labels', []],
    ['no-secret-literals', 'database', 'envs', ['POSTGRES_PASSWORD=hunter2']],
  ]

  it.each(BREAKS)('%s: a broken %s is found', (policy, name, input, value) => {
    const index = local.resources.indexOf(container(name))
    const broken = { ...container(name), inputs: { ...container(name).inputs, [input]: value } }
    const found = violations({ ...local, resources: local.resources.with(index, broken) })
    expect(found.map((each) => each.policy)).toContain(policy)
  })

  it('and finds nothing wrong with other settings of it', () => {
    expect(violations(other)).toEqual([])
  })
})

describe('an edit', () => {
  let docker: FakeDocker
  let project: string
  let before: Plan
  beforeAll(async () => {
    docker = fakeDocker()
    const copy = await copyProject()
    project = copy.folder
    before = await planOf({}, project, false)
    return copy.remove
  })
  afterAll(() => docker.remove())

  /** Titles of what is another after something was added to a file; the file is put back. */
  async function changedBy(path: string, text: string): Promise<string[]> {
    const file = join(project, path)
    const was = readFileSync(file)
    appendFileSync(file, text)
    try {
      const { resources } = await planOf({}, project, false)
      const old = new Map(before.resources.map((each) => [each.urn, JSON.stringify(each.inputs)]))
      return resources.filter(({ urn, inputs }) => old.get(urn) !== JSON.stringify(inputs)).map(titleOf)
    } finally {
      writeFileSync(file, was)
    }
  }

  it('of a flow changes its image, and brings another release', async () => {
    expect(await changedBy('flows/hello/flow.ts', '\nexport const spell = "abracadabra"\n')).toEqual([
      'Image flow-hello',
      'Container release',
    ])
  })

  it('of the console changes its image alone: who gets that is told by its id', async () => {
    expect(await changedBy('images/console/serve.ts', '\nexport const spell = "abracadabra"\n')).toEqual([
      'Image console',
    ])
    const { image } = container('console').inputs
    expect(image instanceof Unknown && String(image)).toBe('<console.digest>')
  })

  it('of the docs changes nothing', async () => {
    expect(await changedBy('docs/architecture.md', '\nMore words.\n')).toEqual([])
  })

  it('builds nothing, and puts nothing together, before up', () => {
    expect(docker.calls()).toEqual([])
    expect(existsSync(join(project, 'out'))).toBe(false)
  })
})

interface ReadRecord {
  readonly bundles: string
  readonly images: Readonly<Record<string, string>>
  readonly deployments: Readonly<
    Record<string, { flow: string; bundle: string; image: string; store: string; runOn: { launcher: string } }>
  >
}

/** The record of the release as it will be, with `<NAME.digest>` for the ids of images that are yet to be built. */
function recordOf(plan: Plan): ReadRecord {
  const texts = listOf(container('release', plan).inputs.uploads).map((each) =>
    isRecord(each) ? String(each.content) : '',
  )
  return JSON.parse(texts.find((text) => text.includes('"deployments"')) ?? '')
}
