import type { FlowManifest } from '../manifest.ts'
import { type CatalogueEntry, catalogueEntry } from './entry.ts'

/** The catalogue of flows as a page of Markdown. */
export function catalogueMarkdown(manifests: readonly FlowManifest[]): string {
  const entries = manifests.map(catalogueEntry)
  const contents = table(
    ['Flow', 'What it is for', 'Owner'],
    entries.map(({ name, description, owner }) => [`[${name}](#${name})`, text(description), text(owner)]),
  )
  return `${['# Flows', contents, ...entries.map(section)].join('\n\n')}\n`
}

function section({ name, description, owner, contact, facts, parameters }: CatalogueEntry): string {
  const about = [['Owner', [owner]] as const, ['Contact', [contact]] as const, ...facts]
  const parts = [
    `## ${name}`,
    text(description),
    table(
      ['', ''],
      about.map(([label, values]) => [label, values.map(text).join('<br>')]),
    ),
  ]
  if (parameters.length === 0) return [...parts, 'It takes no parameters.'].join('\n\n')
  const rows = parameters.map(({ name, type, standard, isRequired, description }) => [
    code(name),
    text(type),
    isRequired ? 'required' : standard === undefined ? '' : code(standard),
    text(description),
  ])
  return [...parts, table(['Parameter', 'Type', 'Default', 'What it is'], rows)].join('\n\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** What stands in a cell: nothing in it is markup. */
function text(value: string): string {
  return value.replace(/\s*\n\s*/g, ' ').replace(/[\\`*_{}[\]<>#|~]/g, (character) => `\\${character}`)
}

function code(value: string): string {
  // In a table "|" ends a cell even in code; a fence longer than any in the value holds it.
  const fence = '`'.repeat(Math.max(0, ...[...value.matchAll(/`+/g)].map(([found]) => found.length)) + 1)
  const pad = fence.length > 1 ? ' ' : ''
  return `${fence}${pad}${value.replaceAll('|', '\\|')}${pad}${fence}`
}
