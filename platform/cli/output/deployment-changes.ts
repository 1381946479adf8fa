import type { DeploymentChange, FieldChange } from '@millrace/release'
import { table } from './table.ts'

/** What differs between deployments, for a person: a line each. */
export function formatChanges(changes: readonly DeploymentChange[]): string {
  const rows = changes.map(({ name, change, fields }) => [name, change, fields.map(formatField).join('; ')])
  return table([['DEPLOYMENT', 'CHANGE', 'WHAT'], ...rows])
}

function formatField({ field, from, to }: FieldChange): string {
  return `${field} ${formatValue(from)} -> ${formatValue(to)}`
}

function formatValue(value: unknown): string {
  if (value === undefined) return 'none'
  return typeof value === 'string' ? shortDigest(value) : JSON.stringify(value)
}

/** Of a digest, alone or at the end of an image's name, twelve digits tell it from all others. */
export function shortDigest(text: string): string {
  return text.replace(/^(?:.*\/)?([^/@]+@sha256:)?([0-9a-f]{12})[0-9a-f]{52}$/, '$1$2')
}
