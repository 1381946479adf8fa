import { beforeAll, describe, expect, it } from 'vitest'
import { faults } from '../../../infra/plan/check.ts'
import { PlanError } from '../../../infra/plan/plan-error.ts'
import { type Plan, type PlannedResource, SecretValue, Unknown } from '../../../infra/plan/planned-resource.ts'
import { planProgram } from '../../../infra/plan/run.ts'
import { fixture } from './fixture.ts'

describe('the plan of a program', () => {
  let plan: Plan
  beforeAll(async () => {
    plan = await planProgram(
      fixture(
        'platform',
        {
          'gcp:project': 'millrace-dev',
          'gcp:region': 'europe-west1',
          'platform:project': '{"number":"123456789012"}',
          'platform:password': '(secret platform:password)',
          'platform:replicas': '2',
        },
        ['platform:password'],
      ),
    )
  })

  const the = (kind: string, name: string): PlannedResource => {
    const found = plan.resources.filter((each) => each.type.endsWith(`:${kind}`) && each.name === name)
    expect(found).toHaveLength(1)
    return found[0] as PlannedResource
  }

  it('has every resource once, each after its parent, in the order of the program', () => {
    expect(plan.resources.map(({ type, name }) => `${type.split(':').at(-1)} ${name}`)).toEqual([
      'Stack platform-dev',
      'Platform main',
      'Bucket bundles',
      'DatabaseInstance database',
      'Agent cloud',
      'Account cloud',
      'Secret cloud',
      'SecretVersion cloud',
      'SecretIamMember cloud',
      'RandomPassword token',
      'kubernetes cluster',
      'ConfigMap settings',
    ])
  })

  it('gives them the URNs of the engine, with the types of all parents but the stack', () => {
    expect(the('Platform', 'main').urn).toBe('urn:pulumi:dev::platform::platform:index:Platform::main')
    expect(the('Account', 'cloud').urn).toBe(
      'urn:pulumi:dev::platform::platform:index:Platform$platform:index:Agent$gcp:serviceaccount/account:Account::cloud',
    )
    expect(the('Account', 'cloud').parent).toBe(the('Agent', 'cloud').urn)
  })

  it('tells how they are registered', () => {
    expect(the('DatabaseInstance', 'database')).toMatchObject({
      protect: true,
      retainOnDelete: true,
      deleteBeforeReplace: true,
      ignoreChanges: ['settings.diskSize'],
      dependencies: [the('Bucket', 'bundles').urn],
      provider: undefined,
    })
    expect(the('Account', 'cloud')).toMatchObject({ protect: false, retainOnDelete: false })
    expect(the('ConfigMap', 'settings').provider).toBe(`${the('kubernetes', 'cluster').urn}::?`)
    expect(the('SecretIamMember', 'cloud').propertyDependencies).toEqual({
      secretId: [the('Secret', 'cloud').urn],
      member: [the('Account', 'cloud').urn],
    })
  })

  it('tells where they are declared', () => {
    expect(the('Platform', 'main').source).toBe('main.ts:62')
    expect(the('Bucket', 'bundles').source).toBe('main.ts:14')
  })

  it('shows what will be known only later, and where it comes from', () => {
    const { data } = the('ConfigMap', 'settings').inputs as { data: Record<string, unknown> }
    expect(data.url).toBeInstanceOf(Unknown)
    expect(data.url).toMatchObject({ of: 'database.privateIpAddress' })
    expect(String(data.url)).toBe('postgres://<database.privateIpAddress>:5432')
    expect(data.replicas).toBe('2')
    expect(String(plan.outputs.host)).toBe('<database.privateIpAddress>')
    expect(String(plan.outputs.settings)).toContain('"host":"<database.privateIpAddress>"')
  })

  it('shows no secret, whether it is from the config, or known only later', () => {
    const { data } = the('ConfigMap', 'settings').inputs as { data: Record<string, unknown> }
    expect(data.token).toBeInstanceOf(SecretValue)
    expect(the('SecretVersion', 'cloud').inputs.secretData).toBeInstanceOf(SecretValue)
    expect(JSON.stringify(plan)).not.toContain('(secret platform:password)')
  })

  it('knows what follows from the inputs: who is granted what', () => {
    expect(the('SecretIamMember', 'cloud').inputs).toEqual({
      secretId: 'projects/millrace-dev/secrets/token',
      role: 'roles/secretmanager.secretAccessor',
      member: 'serviceAccount:cloud-agent@millrace-dev.iam.gserviceaccount.com',
    })
    expect(the('Secret', 'cloud').known.name).toBe('projects/123456789012/secrets/token')
  })

  it('has the outputs of components and of the stack, and the warnings', () => {
    expect(the('Platform', 'main').outputs).toEqual({ bucket: 'gs://millrace-dev-bundles' })
    expect(plan.outputs.bucket).toBe('gs://millrace-dev-bundles')
    expect(plan.warnings).toEqual(['the disk is small'])
  })

  it('has no faults when there are none', () => {
    expect(faults(plan, ['(secret platform:password)'])).toEqual([])
  })
})

it('finds what is wrong with a plan, and says where and what to do', async () => {
  const key = '(secret faulty:key)'
  const plan = await planProgram(fixture('faulty', { 'gcp:project': 'faulty', 'faulty:key': key }, ['faulty:key']))
  const found = faults(plan, [key]).map(({ urn, message }) => `${urn.split('::').at(-1)} ${message}`)
  expect(found.toSorted()).toEqual([
    'grants-to-nobody member names the service account nobody@faulty.iam.gserviceaccount.com, which nothing declares; declare it, or correct the name',
    'grants-too-early member names the service account first@faulty.iam.gserviceaccount.com as text, and so may be made before it; use an output of twice, or dependsOn',
    'orphan has no parent; give it the component that it belongs to, { parent: this }',
    'shows-a-secret labels.key holds (secret faulty:key) of the config in plain text; mark it with pulumi.secret()',
    'twice is declared 2 times, at main.ts:13 and main.ts:14; give each a name of its own',
    'twice is projects/faulty/serviceAccounts/second@faulty.iam.gserviceaccount.com, as namesake is already; give it another name',
  ])
})

describe('a program that fails', () => {
  const failureOf = async (how: string): Promise<PlanError> => {
    const error = await planProgram(fixture('failing', { 'failing:how': how })).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PlanError)
    return error as PlanError
  }

  it('with a mistake of the user says just what that is', async () => {
    const { message, isMistake } = await failureOf('mistake')
    expect({ message, isMistake }).toEqual({
      message: 'failing:how: "mistake" is not an amount; write it as "4 GiB"',
      isMistake: true,
    })
  })

  it('with a defect shows where it is', async () => {
    const { message, isMistake } = await failureOf('defect')
    expect(message).toMatch(/^TypeError: the program is wrong\n.*at .*fixtures\/failing\/main\.ts:8/s)
    expect(isMistake).toBe(false)
  })

  it('by asking the cloud is told what it asks, and where', async () => {
    const { message, isMistake } = await failureOf('asks the cloud')
    expect({ message, isMistake }).toEqual({
      message: 'the plan must not depend on the cloud: gcp:compute/getZones:getZones is called at main.ts:9',
      isMistake: false,
    })
  })

  it('to end is ended with whoever waits for it', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 300)
    await expect(planProgram(fixture('failing', { 'failing:how': 'waits' }), { signal: stop.signal })).rejects.toThrow(
      /abort/,
    )
  })
})
