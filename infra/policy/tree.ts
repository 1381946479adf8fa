import type { Plan, PlannedResource } from '../plan/planned-resource.ts'
import { parseUrn } from '../plan/urn.ts'

/** Whether a type is that of our component with this name: `millrace:infra:Console` for `Console`. */
export function isComponent(type: string, name: string): boolean {
  return type.startsWith('millrace:') && type.split(':').at(-1) === name
}

/** Whether a resource stands inside a component with this name, at any depth. */
export function isInside({ urn }: PlannedResource, component: string): boolean {
  return parseUrn(urn)
    .types.slice(0, -1)
    .some((type) => isComponent(type, component))
}

/** The name of the stack a resource belongs to. */
export const stackOf = ({ urn }: PlannedResource): string => parseUrn(urn).stack

/** All that stands below a component, at any depth. */
export function below(plan: Plan, component: PlannedResource): PlannedResource[] {
  const urns = new Set([component.urn])
  // A parent is registered before its children.
  return plan.resources.filter(({ urn, parent }) => {
    const isBelow = parent !== undefined && urns.has(parent)
    if (isBelow) urns.add(urn)
    return isBelow
  })
}

/** Tells of each resource what must exist before it, at any distance. */
export function dependenciesOf(plan: Plan): (resource: PlannedResource) => ReadonlySet<string> {
  const byUrn = new Map(plan.resources.map((each) => [each.urn, each]))
  const known = new Map<string, ReadonlySet<string>>()
  const collect = (resource: PlannedResource): ReadonlySet<string> => {
    const found = known.get(resource.urn)
    if (found) return found
    const all = new Set<string>()
    // Known at once: a circle, which no engine would plan, then still ends.
    known.set(resource.urn, all)
    const provider = resource.provider?.replace(/::[^:]*$/, '')
    for (const urn of [...resource.dependencies, ...(provider === undefined ? [] : [provider])]) {
      all.add(urn)
      const next = byUrn.get(urn)
      if (next) for (const each of collect(next)) all.add(each)
    }
    return all
  }
  return collect
}
