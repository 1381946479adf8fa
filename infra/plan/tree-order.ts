import type { Frame } from './source.ts'

/** What the order of resources is made of. */
interface Placed {
  readonly urn: string
  readonly parent: string | undefined
  /** The calls that led to it, the innermost first. */
  readonly calls: readonly Frame[]
}

/**
 * Each resource after its parent, sisters in the order of the program: by the outermost of the calls that led to them
 * in which they differ. The order in which they were registered depends on what waited for what, and on time.
 */
export function inTreeOrder<T extends Placed>(resources: readonly T[]): T[] {
  const children = new Map<string | undefined, T[]>()
  const urns = new Set(resources.map((each) => each.urn))
  for (const each of resources) {
    // One with a parent that is not there is shown at the top, where it is missed the least.
    const parent = each.parent !== undefined && urns.has(each.parent) ? each.parent : undefined
    children.set(parent, [...(children.get(parent) ?? []), each])
  }
  const seen = new Set<string>()
  const below = (parent: string | undefined): T[] =>
    (children.get(parent) ?? []).toSorted(byCalls).flatMap((each) => {
      // Two of one URN have the same children.
      if (seen.has(each.urn)) return [each]
      seen.add(each.urn)
      return [each, ...below(each.urn)]
    })
  return below(undefined)
}

function byCalls(a: Placed, b: Placed): number {
  const [callsA, callsB] = [a.calls.toReversed(), b.calls.toReversed()]
  for (const [i, call] of callsA.entries()) {
    const other = callsB[i]
    if (!other) return 1
    const order = compare(call.file, other.file) || call.line - other.line
    if (order !== 0) return order
  }
  return callsA.length - callsB.length || compare(a.urn, b.urn)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
