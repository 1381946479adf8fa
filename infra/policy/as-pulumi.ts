import type {
  Policies,
  PolicyResource,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationArgs,
  StackValidationPolicy,
} from '@pulumi/policy'
import { type Plan, type Planned, type PlannedResource, Unknown } from '../plan/planned-resource.ts'
import { parseUrn, STACK_TYPE } from '../plan/urn.ts'
import { type PlanPolicy, type Policy, type ResourcePolicy, sentence } from './policy.ts'

/**
 * The policies as Pulumi's own engine takes them: it asks them of each resource before it is made, and of the whole stack
 * after a preview or an `up`. It unwraps secrets before they get here, so those that look at the marks are left out; the
 * offline plan has the marks.
 */
export function asPulumiPolicies(policies: readonly Policy[]): Policies {
  return policies
    .filter(({ needsSecretMarks }) => !needsSecretMarks)
    .map((policy) => ('plan' in policy ? asStackPolicy(policy) : asResourcePolicy(policy)))
}

const described = ({ name, description, reason }: Policy) => ({ name, description: `${description} ${reason}` })

function asResourcePolicy(policy: ResourcePolicy): ResourceValidationPolicy {
  return {
    ...described(policy),
    validateResource: (args, reportViolation) => {
      const resource = fromArguments(args)
      for (const fault of policy.resource(resource)) reportViolation(sentence(resource, fault))
    },
  }
}

function asStackPolicy(policy: PlanPolicy): StackValidationPolicy {
  return {
    ...described(policy),
    validateStack: (args, reportViolation) => {
      const plan = fromStack(args)
      const stack = plan.resources.find(({ type }) => type === STACK_TYPE)
      for (const { resource = stack, ...fault } of policy.plan(plan)) {
        if (resource) reportViolation(sentence(resource, fault), resource.urn)
      }
    },
  }
}

/** A resource as the engine shows it before it is made: its inputs, after the provider has looked at them. */
export function fromArguments({ urn, type, name, props, opts, provider }: ResourceValidationArgs): PlannedResource {
  return {
    ...NOTHING_SAID,
    urn,
    type,
    name,
    custom: isCustom(type),
    parent: opts.parent,
    provider: provider && `${provider.urn}::?`,
    inputs: fields(props),
    protect: opts.protect,
    ignoreChanges: opts.ignoreChanges,
    deleteBeforeReplace: opts.deleteBeforeReplace ?? false,
  }
}

/** The whole stack as the engine shows it: of each resource its outputs, which hold its inputs. */
export function fromStack({ resources }: Pick<StackValidationArgs, 'resources'>): Plan {
  const root = resources.find(({ type }) => type === STACK_TYPE)
  const { stack, project } = parseUrn(root?.urn ?? resources[0]?.urn ?? '')
  return {
    stack,
    project,
    resources: resources.map(fromResource),
    outputs: root ? fields(root.props) : {},
    warnings: [],
  }
}

function fromResource(resource: PolicyResource): PlannedResource {
  const { urn, type, name, props, opts, provider, parent, dependencies, propertyDependencies } = resource
  const values = fields(props)
  const custom = isCustom(type)
  const urns = (all: readonly PolicyResource[]): string[] => all.map((each) => each.urn)
  return {
    ...NOTHING_SAID,
    urn,
    type,
    name,
    custom,
    parent: parent?.urn,
    provider: provider && `${provider.urn}::?`,
    dependencies: urns(dependencies),
    propertyDependencies: Object.fromEntries(
      Object.entries(propertyDependencies).map(([key, each]) => [key, urns(each)]),
    ),
    inputs: custom ? values : {},
    outputs: custom ? {} : values,
    protect: opts.protect,
    ignoreChanges: opts.ignoreChanges,
    deleteBeforeReplace: opts.deleteBeforeReplace ?? false,
  }
}

/** What the engine does not tell. */
const NOTHING_SAID = {
  existing: false,
  dependencies: [],
  propertyDependencies: {},
  known: {},
  outputs: {},
  retainOnDelete: false,
  source: undefined,
} satisfies Partial<PlannedResource>

const isCustom = (type: string): boolean => !type.startsWith('millrace:') && type !== STACK_TYPE

type Fields = Record<string, Planned>

/** Values as the engine's library gives them out: to read one that is unknown throws. */
function fields(values: object): Fields {
  return Object.fromEntries(
    Object.keys(values)
      // The provider's own notes: which inputs are defaults.
      .filter((key) => !key.startsWith('__'))
      .map((key) => [key, valueAt(values, key)]),
  )
}

function valueAt(values: object, key: string | number): Planned {
  let value: unknown
  try {
    value = Reflect.get(values, key)
  } catch {
    return new Unknown()
  }
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, index) => valueAt(value as object, index))
  if (typeof value === 'object' && value !== null) return fields(value)
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}
