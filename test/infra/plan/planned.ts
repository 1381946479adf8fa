import type { Plan, PlannedResource } from '../../../infra/plan/planned-resource.ts'
import { makeUrn, STACK_TYPE } from '../../../infra/plan/urn.ts'

type Given = Partial<Omit<PlannedResource, 'urn' | 'type' | 'name' | 'parent'>> & { readonly parent?: PlannedResource }

/** The stack of a plan that is made by hand. */
export const stack = planned(STACK_TYPE, 'millrace-dev', { custom: false })

/** A resource as it stands in a plan; under the stack where no parent is given. */
export function planned(type: string, name: string, { parent, ...given }: Given = {}): PlannedResource {
  const above = type === STACK_TYPE ? undefined : (parent ?? stack).urn
  return {
    urn: makeUrn('dev', 'millrace', above, type, name),
    type,
    name,
    custom: true,
    existing: false,
    parent: above,
    provider: undefined,
    dependencies: [],
    propertyDependencies: {},
    inputs: {},
    known: {},
    outputs: {},
    protect: false,
    ignoreChanges: [],
    retainOnDelete: false,
    deleteBeforeReplace: false,
    source: undefined,
    ...given,
  }
}

export const component = (name: string, given: Given = {}): PlannedResource =>
  planned('millrace:infra:Part', name, { ...given, custom: false })

/** A plan of the stack and these. */
export function planOf(...resources: readonly PlannedResource[]): Plan {
  return { stack: 'dev', project: 'millrace', resources: [stack, ...resources], outputs: {}, warnings: [] }
}
