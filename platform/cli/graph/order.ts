import type { TaskEdge } from './task-graph.ts'

/**
 * Which of the waits are worth drawing: those that no other way through the graph says already
 * (the transitive reduction, with the data edges kept as they are).
 *
 * @param waits pairs of calls, the first done before the second starts; the first always has the lower id
 */
export function orderEdges(data: readonly TaskEdge[], waits: readonly (readonly [number, number])[]): TaskEdge[] {
  const next = new Map<number, Set<number>>()
  for (const [from, to] of [
    ...data.filter(({ kind }) => kind === 'data').map(({ from, to }) => [from, to] as const),
    ...waits,
  ]) {
    const targets = next.get(from) ?? new Set()
    next.set(from, targets.add(to))
  }
  const joinedByData = new Set(data.map(({ from, to }) => `${from} ${to}`))
  return waits
    .filter(([from, to]) => !joinedByData.has(`${from} ${to}`) && !hasDetour(next, from, to))
    .map(([from, to]) => ({ from, to, kind: 'order' }))
}

/** Whether there is a way of two steps or more. */
function hasDetour(next: ReadonlyMap<number, ReadonlySet<number>>, from: number, to: number): boolean {
  const seen = new Set<number>()
  const ahead = [...(next.get(from) ?? [])].filter((id) => id !== to)
  for (let id = ahead.pop(); id !== undefined; id = ahead.pop()) {
    if (id === to) return true
    // Edges lead to higher ids: beyond `to` there is no way back.
    if (seen.has(id) || id > to) continue
    seen.add(id)
    ahead.push(...(next.get(id) ?? []))
  }
  return false
}
