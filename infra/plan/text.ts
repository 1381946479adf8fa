import { access } from './access.ts'
import { howMany, running } from './always-on.ts'
import { type Plan, type Planned, SecretValue, Unknown } from './planned-resource.ts'
import { columns } from './text/lines.ts'
import { type Paint, plain } from './text/paint.ts'
import { treeText } from './text/tree.ts'
import { nameOf, STACK_TYPE } from './urn.ts'

/** The whole plan for a person to read: resources, who may do what, what is always on, outputs. */
export function planText(plan: Plan, paint: Paint = plain): string {
  const sections: [title: string, lines: string[]][] = [
    [`Plan of ${plan.stack}: ${counts(plan)}`, treeText(plan, paint)],
    ['Who may do what', accessText(plan, paint)],
    ['What runs with nothing to do', runningText(plan, 'always')],
    ['What starts from nothing', runningText(plan, 'from nothing')],
    ['Outputs', outputsText(plan.outputs)],
    ['Warnings', plan.warnings.map((text) => `  ${paint('yellow', text.replaceAll('\n', '\n  '))}`)],
  ]
  return `${sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [paint('bold', title), ...lines].join('\n'))
    .join('\n\n')}\n`
}

function counts({ resources }: Plan): string {
  const custom = resources.filter((each) => each.custom && !each.type.startsWith('pulumi:'))
  const components = resources.filter((each) => !each.custom && each.type !== STACK_TYPE)
  const byProvider = Map.groupBy(custom, (each) => each.type.split(':')[0] ?? '')
  const parts = [...byProvider].map(([provider, those]) => `${those.length} ${provider}`).toSorted()
  const kept = custom.filter((each) => each.protect)
  return `${custom.length} resources (${parts.join(', ')}) in ${components.length} components, ${kept.length} protected`
}

function accessText(plan: Plan, paint: Paint): string[] {
  return [...Map.groupBy(access(plan), (grant) => grant.identity)].flatMap(([identity, grants]) => [
    '',
    `  ${paint('bold', identity)}`,
    ...columns(
      grants.map(({ role, on, condition }) =>
        // Rules of a cluster's role are long, and come last.
        role.includes(': ') ? [on, role] : [role, condition === undefined ? on : `${on}, if ${condition}`],
      ),
      '    ',
    ),
  ])
}

function runningText(plan: Plan, which: 'always' | 'from nothing'): string[] {
  const rows = running(plan)
    .filter(({ least }) => least > 0 === (which === 'always'))
    .map((each) => [each.what, nameOf(each.urn), howMany(each), each.size])
  return rows.length > 0 ? columns(rows, '  ') : []
}

function outputsText(outputs: Readonly<Record<string, Planned>>): string[] {
  return Object.entries(outputs).map(([name, value]) => `  ${name}: ${inLines(value).replaceAll('\n', '\n  ')}`)
}

/** Objects over several lines, also those that are unknown as a whole. */
function inLines(value: Planned): string {
  if (typeof value === 'string' || value instanceof SecretValue) return String(value)
  if (!(value instanceof Unknown)) return JSON.stringify(value, null, 2)
  const text = String(value)
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
