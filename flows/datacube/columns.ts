import { UserError } from '@millrace/sdk'

/** Region levels, largest regions first. */
export const REGION_LEVELS = ['country', 'admin1', 'admin2', 'admin3'] as const
export type RegionLevel = (typeof REGION_LEVELS)[number]

/** Columns with a meaning of their own; every other column is a qualifier or the weight. */
export const KNOWN_COLUMNS: readonly string[] = ['timestamp', ...REGION_LEVELS, 'lat', 'lng', 'feature', 'value']

/** Without these there is nothing to aggregate. */
const REQUIRED = ['timestamp', 'feature', 'value'] as const

/** What matters of a column's type. */
export type ColumnKind = 'integer' | 'float' | 'text' | 'boolean' | 'time' | 'other'

export interface Column {
  readonly name: string
  readonly kind: ColumnKind
  /** The type as DuckDB writes it. */
  readonly type: string
}

/** The kind of a DuckDB type. */
export function kindOf(type: string): ColumnKind {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(type)) return 'integer'
  if (/^(FLOAT|DOUBLE|DECIMAL(\(.*\))?)$/.test(type)) return 'float'
  if (/^(VARCHAR|UUID|ENUM\(.*\))$/s.test(type)) return 'text'
  if (type === 'BOOLEAN') return 'boolean'
  if (/^(DATE|TIMESTAMP.*)$/.test(type)) return 'time'
  return 'other'
}

const ALLOWED: Partial<Record<string, { kinds: readonly ColumnKind[]; expected: string }>> = {
  timestamp: { kinds: ['integer', 'float', 'text', 'time'], expected: 'milliseconds since 1970' },
  feature: { kinds: ['integer', 'float', 'text', 'boolean'], expected: 'text' },
  value: { kinds: ['integer', 'float', 'text', 'boolean'], expected: 'numbers' },
  lat: { kinds: ['integer', 'float', 'text'], expected: 'degrees' },
  lng: { kinds: ['integer', 'float', 'text'], expected: 'degrees' },
}

/**
 * Checks that a file has the columns it needs, of types that can be used.
 * @param file names the file in the error
 * @throws UserError naming the column and the file
 */
export function checkColumns(file: string, columns: readonly Column[]): void {
  for (const name of REQUIRED) {
    if (columns.some((column) => column.name === name)) continue
    const similar = columns.find((column) => column.name.toLowerCase() === name)
    throw new UserError(
      `datacube: ${file}: column "${name}" is missing`,
      similar
        ? `It has "${similar.name}": rename it, for upper and lower case differ.`
        : `It has: ${columns.map((column) => column.name).join(', ')}.`,
    )
  }
  for (const column of columns) {
    const allowed = ALLOWED[column.name]
    if (allowed && !allowed.kinds.includes(column.kind)) {
      throw new UserError(`datacube: ${file}: column "${column.name}" is ${column.type}, expected ${allowed.expected}`)
    }
  }
}
