import { cloudGrants } from './access.ts'
import { howMany, running } from './always-on.ts'
import { factsOf } from './facts.ts'
import type { Plan, PlannedResource } from './planned-resource.ts'
import { shortType } from './title.ts'
import { STACK_TYPE } from './urn.ts'

/**
 * All resources of a plan, a line each, for a file that is kept beside the program: a review then shows what a change
 * adds and takes away. It stays the same when code only moves.
 */
export function inventory(plan: Plan): string {
  const { resources } = plan
  const sizes = new Map(running(plan).map((each) => [each.urn, `runs ${howMany(each)} (${each.size || each.what})`]))
  const byUrn = new Map(resources.map((each) => [each.urn, each]))
  const path = ({ type, name, parent }: PlannedResource): string => {
    const above = byUrn.get(parent ?? '')
    const own = `${shortType(type)} ${name}`
    return above === undefined || above.type === STACK_TYPE ? own : `${path(above)} / ${own}`
  }
  const lines = resources
    .filter((each) => each.type !== STACK_TYPE)
    .map((each) => {
      const conditions = cloudGrants(each).flatMap(({ condition }) =>
        condition === undefined ? [] : [`if ${condition}`],
      )
      const size = sizes.get(each.urn)
      const sized = size === undefined ? [] : [size]
      const facts = [...factsOf(each), ...sized, ...conditions, ...(each.protect && each.custom ? ['protected'] : [])]
      return facts.length > 0 ? `${path(each)}: ${facts.join(', ')}` : path(each)
    })
  return `${lines.map(withoutContents).toSorted().join('\n')}\n`
}

/** Digests and the ids of releases say what is in something: another edit of a flow is no other resource. */
function withoutContents(line: string): string {
  return line
    .replace(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, 'RELEASE')
    .replace(/(?<![0-9a-z])[0-9a-f]{64}(?![0-9a-z])|(?<=-)[0-9a-f]{12}(?=\.)/g, 'DIGEST')
}
