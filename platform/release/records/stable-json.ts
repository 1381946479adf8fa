import { isRecord } from '../stack-file.ts'

/** JSON that is the same for the same value: keys in order, and what is undefined left out. */
export function stableJson(value: unknown): string {
  return `${JSON.stringify(value, (_key, each) => (isRecord(each) ? inOrder(each) : each), 2)}\n`
}

function inOrder(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}
