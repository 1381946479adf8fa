import { factsOf } from '../facts.ts'
import type { Plan, PlannedResource } from '../planned-resource.ts'
import { titleOf } from '../title.ts'
import { nameOf, providerUrn, STACK_TYPE } from '../urn.ts'
import { WIDTH, wrap } from './lines.ts'
import { type Paint, plain } from './paint.ts'

/** All resources as a tree of components: a line with type, name and facts, and lines for what comes before it. */
export function treeText(plan: Plan, paint: Paint = plain): string[] {
  const children = Map.groupBy(plan.resources, (each) => each.parent)
  const urns = new Set(plan.resources.map((each) => each.urn))
  const before = describeBefore(plan)
  const draw = (each: PlannedResource, branch: string, below: string): string[] => {
    const inner = children.get(each.urn) ?? []
    const rest = below + (inner.length > 0 ? '│  ' : '   ')
    return [
      ...heading(each, branch, rest, paint),
      ...details(each, before).flatMap((words) => hanging(words, `${rest}  `, paint)),
      ...inner.flatMap((child, i) =>
        i < inner.length - 1 ? draw(child, `${below}├─ `, `${below}│  `) : draw(child, `${below}└─ `, `${below}   `),
      ),
    ]
  }
  const isTop = ({ type, parent }: PlannedResource): boolean =>
    type !== STACK_TYPE && (parent === undefined || !urns.has(parent) || parent === plan.resources[0]?.urn)
  return plan.resources.filter(isTop).flatMap((each) => ['', ...draw(each, '', '')])
}

function heading(each: PlannedResource, branch: string, rest: string, paint: Paint): string[] {
  const title = titleOf(each)
  const facts = factsOf(each).join(', ')
  const marks = [
    ...(each.protect && each.custom ? ['protected'] : []),
    ...(each.retainOnDelete && each.custom ? ['kept'] : []),
  ]
  const [first = '', ...more] = wrap(
    [...facts.split(' '), ...marks.map((mark) => `[${mark}]`)].filter(Boolean),
    WIDTH - rest.length - 2,
    WIDTH - branch.length - title.length - 2,
  )
  return [`${branch}${paint('bold', title)}${first ? `  ${first}` : ''}`, ...more.map((line) => `${rest}  ${line}`)]
}

function details(each: PlannedResource, before: (each: PlannedResource) => string[]): string[][] {
  const after = before(each)
  return [
    ...(each.provider === undefined ? [] : [['by', 'provider', nameOf(providerUrn(each.provider))]]),
    ...(after.length > 0 ? [['after', ...after.join(', ').split(' ')]] : []),
    ...(each.ignoreChanges.length > 0
      ? [['ignores', 'changes', 'of', ...each.ignoreChanges.join(', ').split(' ')]]
      : []),
    ...(each.deleteBeforeReplace ? [['is deleted before it is replaced']] : []),
  ]
}

function hanging(words: readonly string[], indent: string, paint: Paint): string[] {
  return wrap(words, Math.max(30, WIDTH - indent.length - 2)).map(
    (line, i) => `${indent}${i === 0 ? '' : '  '}${paint('dim', line)}`,
  )
}

/**
 * What a resource comes after, in few words that leave nothing out: names of its own component's resources as they
 * are, others behind their component's name, and a whole component as `all of NAME (18)`.
 */
function describeBefore({ resources }: Plan): (each: PlannedResource) => string[] {
  const byUrn = new Map(resources.map((each) => [each.urn, each]))
  const members = Map.groupBy(
    resources.filter((each) => each.custom),
    (each) => each.parent,
  )
  const components = resources.filter((each) => !each.custom)
  return (each) => {
    const urns = new Set([...each.dependencies, ...Object.values(each.propertyDependencies).flat()])
    const groups = Map.groupBy(urns, (urn) => byUrn.get(urn)?.parent)
    return [...groups].flatMap(([parent, inside]) => {
      const all = members.get(parent) ?? []
      const owner = parent === undefined ? undefined : byUrn.get(parent)
      if (!owner || owner.type === STACK_TYPE) return inside.map((urn) => nameAmong(urn, resources))
      if (inside.length > 2 && inside.length === all.length)
        return [`all of ${nameAmong(owner.urn, components)} (${all.length})`]
      const names = inside.map((urn) => nameAmong(urn, all))
      return parent === each.parent ? names : names.map((name) => `${nameAmong(owner.urn, components)}/${name}`)
    })
  }
}

/** Its name, with its type where another one beside it has the same. */
function nameAmong(urn: string, others: readonly PlannedResource[]): string {
  const name = nameOf(urn)
  const same = others.filter((each) => each.name === name)
  const itself = same.find((each) => each.urn === urn)
  return same.length > 1 && itself ? titleOf(itself) : name
}
