import type { Fault } from '../check.ts'
import type { Plan, PlannedResource } from '../planned-resource.ts'
import { nameOf, providerUrn, STACK_TYPE, typeOf } from '../urn.ts'

/** Two of one name under one parent, and parents, dependencies and providers that are not there. */
export function structure({ resources }: Plan): Fault[] {
  const byUrn = Map.groupBy(resources, (each) => each.urn)
  const stack = resources.find((each) => each.type === STACK_TYPE)?.urn
  return [...byUrn].flatMap(([urn, same]) => [
    ...twice(urn, same),
    ...same.flatMap((each) => [...missing(each, byUrn), ...atTheTop(each, stack)]),
  ])
}

function twice(urn: string, same: readonly PlannedResource[]): Fault[] {
  if (same.length < 2) return []
  const places = same.flatMap((each) => each.source ?? [])
  const where = places.length > 0 ? `, at ${places.join(' and ')}` : ''
  return [{ urn, message: `is declared ${same.length} times${where}; give each a name of its own` }]
}

function missing(each: PlannedResource, known: ReadonlyMap<string, unknown>): Fault[] {
  const { urn, parent, provider } = each
  const dependencies = new Set([...each.dependencies, ...Object.values(each.propertyDependencies).flat()])
  const absent = (what: string, other: string): Fault[] =>
    known.has(other)
      ? []
      : [{ urn, message: `has a ${what} that is not in the plan: ${typeOf(other)} ${nameOf(other)}; declare it first` }]
  return [
    ...(parent === undefined ? [] : absent('parent', parent)),
    ...(provider === undefined ? [] : absent('provider', providerUrn(provider))),
    ...[...dependencies].flatMap((other) => absent('dependency', other)),
  ]
}

/** Only components and providers stand by themselves. */
function atTheTop({ urn, type, custom, parent }: PlannedResource, stack: string | undefined): Fault[] {
  if (!custom || type.startsWith('pulumi:providers:') || (parent !== undefined && parent !== stack)) return []
  return [{ urn, message: 'has no parent; give it the component that it belongs to, { parent: this }' }]
}
