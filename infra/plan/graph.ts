import type { Plan, PlannedResource } from './planned-resource.ts'
import { shortType } from './title.ts'
import { STACK_TYPE } from './urn.ts'

/**
 * The components of a plan as a Mermaid flowchart. A component that has components inside is a box around them; an
 * arrow points from what comes first to what needs it, and what follows from other arrows is left out. Components of
 * one kind with the same arrows share a box.
 */
export function mermaid(plan: Plan): string {
  const components = plan.resources.filter((each) => !each.custom && each.type !== STACK_TYPE)
  const urns = new Set(components.map((each) => each.urn))
  const arrows = reduced(arrowsBetween(plan, urns))
  const groups = alike(plan, components, arrows)
  const ids = new Map(groups.flatMap((group, i) => group.map((each) => [each.urn, `c${i + 1}`])))
  const inside = Map.groupBy(groups, ([first]) => (urns.has(first.parent ?? '') ? first.parent : undefined))
  const draw = (group: Group, indent: string): string[] => {
    const inner = inside.get(group[0].urn) ?? []
    const box = `${ids.get(group[0].urn)}["${label(plan, group)}"]`
    if (inner.length === 0) return [`${indent}${box}`]
    return [`${indent}subgraph ${box}`, ...inner.flatMap((each) => draw(each, `${indent}  `)), `${indent}end`]
  }
  const drawn = new Set(arrows.map(([from, to]) => `  ${ids.get(from)} --> ${ids.get(to)}`))
  return `${['flowchart LR', ...(inside.get(undefined) ?? []).flatMap((each) => draw(each, '  ')), ...drawn].join('\n')}\n`
}

type Arrow = readonly [from: string, to: string]
type Group = readonly [PlannedResource, ...PlannedResource[]]

/** Who needs whom, among components, in the order of the plan. */
function arrowsBetween({ resources }: Plan, components: ReadonlySet<string>): Arrow[] {
  const byUrn = new Map(resources.map((each) => [each.urn, each]))
  const ownerOf = (urn: string | undefined): string | undefined =>
    urn === undefined || components.has(urn) ? urn : ownerOf(byUrn.get(urn)?.parent)
  const isInside = (urn: string | undefined, outer: string): boolean =>
    urn !== undefined && (urn === outer || isInside(byUrn.get(urn)?.parent, outer))
  const found = new Map<string, Arrow>()
  for (const each of resources) {
    const to = ownerOf(each.urn)
    for (const urn of [...each.dependencies, ...Object.values(each.propertyDependencies).flat()]) {
      const from = ownerOf(urn)
      // Inside a box, or between a box and what it holds, an arrow says nothing.
      if (from === undefined || to === undefined || isInside(from, to) || isInside(to, from)) continue
      found.set(`${from} ${to}`, [from, to])
    }
  }
  const position = new Map([...components].map((urn, i) => [urn, i]))
  const at = (urn: string): number => position.get(urn) ?? 0
  return [...found.values()].toSorted(([a, b], [c, d]) => at(a) - at(c) || at(b) - at(d))
}

/** Without each arrow whose end the others lead to as well. */
function reduced(arrows: readonly Arrow[]): Arrow[] {
  const kept = new Set(arrows)
  for (const arrow of arrows) {
    kept.delete(arrow)
    if (!leads(kept, arrow)) kept.add(arrow)
  }
  return arrows.filter((arrow) => kept.has(arrow))
}

function leads(arrows: ReadonlySet<Arrow>, [start, end]: Arrow): boolean {
  const seen = new Set([start])
  const open = [start]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === end) return true
    for (const [from, to] of arrows) {
      if (from !== next || seen.has(to)) continue
      seen.add(to)
      open.push(to)
    }
  }
  return false
}

/** Components that would look the same but for their name: of one kind, in one place, with the same inside and arrows. */
function alike(plan: Plan, components: readonly PlannedResource[], arrows: readonly Arrow[]): Group[] {
  const parents = new Set(components.map((each) => each.parent))
  const look = ({ urn, type, parent }: PlannedResource): string =>
    // A box around others is drawn by itself.
    JSON.stringify([
      parents.has(urn) ? urn : type,
      parent,
      contents(plan, urn),
      arrows.flatMap(([from, to]) => (to === urn ? [`from ${from}`] : from === urn ? [`to ${to}`] : [])),
    ])
  return [...Map.groupBy(components, look).values()].flatMap(([first, ...more]) => (first ? [[first, ...more]] : []))
}

const IS_GRANT = /(I[Aa][Mm]Member|I[Aa][Mm]Binding|RoleBinding)$/

/** `Database main`, and in small what is in it. */
function label(plan: Plan, group: Group): string {
  const [first] = group
  const title = `${shortType(first.type)} ${group.map((each) => each.name).join(', ')}`
  return [title, ...contents(plan, first.urn)]
    .map(escapeText)
    .map((text, i) => (i === 0 ? text : `<small>${text}</small>`))
    .join('<br>')
}

/** What stands directly in a component: `sql.DatabaseInstance`, `2 × sql.User`, `3 grants`. */
function contents({ resources }: Plan, component: string): string[] {
  const inside = resources.filter((each) => each.custom && each.parent === component)
  const types = Map.groupBy(
    inside.filter((each) => !IS_GRANT.test(each.type)),
    (each) => shortType(each.type),
  )
  const parts = [...types].map(([type, those]) => (those.length > 1 ? `${those.length} × ${type}` : type))
  const grants = inside.filter((each) => IS_GRANT.test(each.type)).length
  return grants === 0 ? parts : [...parts, grants > 1 ? `${grants} grants` : '1 grant']
}

/** Mermaid writes characters by name or number between "#" and ";". */
const ENTITIES: Readonly<Record<string, string>> = {
  '#': '#35;',
  '"': '#quot;',
  '<': '#lt;',
  '>': '#gt;',
  '&': '#amp;',
  '`': '#96;',
  '\\': '#92;',
}

function escapeText(text: string): string {
  return text.replace(/[#"<>&`\\]/g, (character) => ENTITIES[character] ?? '').replace(/\s+/g, ' ')
}
