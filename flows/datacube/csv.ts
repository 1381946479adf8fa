import type { Cell } from './duckdb.ts'

const SPECIAL = /[",\r\n]/

/** One cell of a CSV file; quoted where it must be, empty for nothing. */
export function csvCell(value: Cell): string {
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return String(value)
    return Number.isNaN(value) ? '' : value > 0 ? 'inf' : '-inf'
  }
  if (value === null) return ''
  return SPECIAL.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** One line of a CSV file. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\n`
}
