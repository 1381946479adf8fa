import {
  type Policies,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
  unknownCheckingProxy,
} from '@pulumi/policy'
import { describe, expect, it } from 'vitest'
import { Unknown } from '../../../infra/plan/planned-resource.ts'
import { asPulumiPolicies, fromArguments, fromStack } from '../../../infra/policy/as-pulumi.ts'
import { policies } from '../../../infra/policy/index.ts'
import { component, resource, STACK } from './fragments.ts'

/** How the engine writes a text that it does not know yet. */
const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'

type Arguments = Parameters<typeof fromArguments>[0]
type StackArguments = Parameters<typeof fromStack>[0]
type StackResource = StackArguments['resources'][number]

const opts = {
  protect: true,
  ignoreChanges: ['settings.diskSize'],
  aliases: [],
  additionalSecretOutputs: [],
  customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
}

/** What the library hands to a policy, as far as ours read it. */
function given(type: string, name: string, props: Record<string, unknown>): Arguments {
  const { urn } = resource(type, name)
  const rest = { isType: () => false, asType: () => undefined, getConfig: () => ({}), stackTags: new Map() }
  const never = (): never => {
    throw new Error('not asked for')
  }
  return {
    ...(rest as Pick<Arguments, 'isType' | 'asType' | 'stackTags'> & { getConfig: Arguments['getConfig'] }),
    notApplicable: never,
    ...{ urn, type, name, opts },
    props: unknownCheckingProxy(props) as Record<string, unknown>,
  }
}

function inStack(
  of: { urn: string; type: string; name: string },
  props: Record<string, unknown>,
  more: Partial<StackResource> = {},
): StackResource {
  const { urn, type, name } = of
  return {
    ...{ urn, type, name, opts: { ...opts, protect: false }, dependencies: [], propertyDependencies: {} },
    isType: () => false,
    asType: () => undefined,
    props: unknownCheckingProxy(props) as Record<string, unknown>,
    ...more,
  }
}

const isOfResource = (policy: Policies[number]): policy is ResourceValidationPolicy => 'validateResource' in policy
const isOfStack = (policy: Policies[number]): policy is StackValidationPolicy => 'validateStack' in policy

describe('a resource that the engine shows', () => {
  const shown = fromArguments(
    given('gcp:storage/bucket:Bucket', 'results', {
      name: UNKNOWN,
      __defaults: ['forceDestroy'],
      versioning: { enabled: true, __defaults: [] },
      lifecycleRules: [{ condition: { age: 7, prefix: UNKNOWN } }],
      cors: [UNKNOWN],
      labels: { stack: 'dev' },
    }),
  )

  it('has its inputs, without the notes of the provider', () => {
    expect(shown.inputs).toEqual({
      name: new Unknown(),
      versioning: { enabled: true },
      lifecycleRules: [{ condition: { age: 7, prefix: new Unknown() } }],
      cors: [new Unknown()],
      labels: { stack: 'dev' },
    })
  })

  it('has its name and its options', () => {
    expect(shown).toMatchObject({
      urn: 'urn:pulumi:dev::millrace::gcp:storage/bucket:Bucket::results',
      name: 'results',
      custom: true,
      protect: true,
      ignoreChanges: ['settings.diskSize'],
    })
  })
})

describe('a stack that the engine shows', () => {
  const flow = component('FlowDeployment', 'flow-hello')
  const agent = resource('gcp:serviceaccount/account:Account', 'flow-hello', {}, { parent: flow })
  const [root, component_] = [inStack(STACK, { isProtected: true }), inStack(flow, { secrets: ['token'] })]
  const plan = fromStack({
    resources: [
      root,
      component_,
      inStack(
        agent,
        { accountId: 'flow-hello', email: UNKNOWN },
        {
          parent: component_,
          dependencies: [component_],
          propertyDependencies: { accountId: [component_] },
        },
      ),
    ],
  })

  it('has a name, outputs, and resources with what is above and before them', () => {
    expect(plan).toMatchObject({ stack: 'dev', project: 'millrace', outputs: { isProtected: true } })
    expect(plan.resources[1]).toMatchObject({ custom: false, outputs: { secrets: ['token'] }, inputs: {} })
    expect(plan.resources[2]).toMatchObject({
      custom: true,
      parent: flow.urn,
      dependencies: [flow.urn],
      propertyDependencies: { accountId: [flow.urn] },
      inputs: { accountId: 'flow-hello', email: new Unknown() },
    })
  })
})

describe('the policies for the engine', () => {
  const all = asPulumiPolicies(policies)
  const find = (name: string) => all.find((each) => each.name === name)

  it('are all but those that look at marks of secrets, which the engine takes off', () => {
    const left = policies.filter(({ name }) => !find(name)).map(({ name }) => name)
    expect(left).toEqual(['secrets-marked'])
    expect(all.every((each) => isOfResource(each) || isOfStack(each))).toBe(true)
  })

  it('say of a resource what they say in a plan', () => {
    const said: string[] = []
    const policy = find('private-buckets')
    if (!policy || !isOfResource(policy) || typeof policy.validateResource !== 'function') throw new Error('no policy')
    policy.validateResource(
      given('gcp:storage/bucket:Bucket', 'results', {
        publicAccessPrevention: 'inherited',
        uniformBucketLevelAccess: UNKNOWN,
      }),
      (message) => said.push(message),
    )
    expect(said).toEqual(['storage.Bucket results: publicAccessPrevention is "inherited"; set it to "enforced"'])
  })

  it('say of a stack what they say in a plan, and of which resource', () => {
    const said: (readonly [string, string | undefined])[] = []
    const policy = find('data-protected')
    if (!policy || !isOfStack(policy)) throw new Error('no policy')
    const bucket = resource('gcp:storage/bucket:Bucket', 'results')
    policy.validateStack(
      {
        resources: [inStack(STACK, { isProtected: true }), inStack(bucket, { versioning: { enabled: true } })],
        stackTags: new Map(),
        getConfig: <T extends object>() => ({}) as T,
        notApplicable: () => {
          throw new Error('not asked for')
        },
      },
      (message, urn) => said.push([message, urn]),
    )
    expect(said).toEqual([['storage.Bucket results: protect is false; set it to place.protect', bucket.urn]])
  })
})
