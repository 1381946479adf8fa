import type { Column } from '../columns.ts'
import { KNOWN_COLUMNS } from '../columns.ts'
import type { Frame, InputFile } from '../frame.ts'
import { ident, parquet } from './quote.ts'

/** From here on, milliseconds do not fit int64 nanoseconds: such rows are dropped. */
const TOO_LATE = 9223372036854.775
/** Before this they do not fit either, and land at 0. */
const TOO_EARLY = -9223372036854.775

/** Text of nothing but white space counts as nothing when a column is searched for content. */
const BLANK = `'[\\s\\x0b\\x1c-\\x1f\\x{85}\\p{Z}]+'`

/** Rows of one file, or a range of them. */
export interface FileRows {
  readonly file: InputFile
  /** Where the file is on this machine. */
  readonly path: string
  readonly from?: number
  readonly to?: number
}

/**
 * The raw table: every column as text, in the file's own spelling; `feature` and `value` are never renamed.
 * Columns a file lacks are empty text where they are extra ones, null where they are known ones.
 */
export function rawRows(frame: Frame, rows: readonly FileRows[]): string {
  const select = rows.map(({ file, path }, index) => {
    const columns = frame.columns.map((name) => `${rawText(frame, file, name)} AS ${ident(name)}`)
    return `SELECT ${index} AS "#file", file_row_number AS "#row", ${featureOf(frame, file)} AS "#feature",
      ${columns.join(', ')} FROM ${parquet([path], 'file_row_number = true')}`
  })
  return select.join(' UNION ALL ')
}

function rawText(frame: Frame, file: InputFile, name: string): string {
  const column = columnOf(file, name)
  if (!column) return KNOWN_COLUMNS.includes(name) ? 'CAST(NULL AS VARCHAR)' : `''`
  const text = asText(column)
  return isMixed(frame, name) ? `coalesce(${text}, 'None')` : text
}

/**
 * The clean table, one row for each row that can be used: `feature` (may be null), `ts` (ms, double), region columns,
 * `lat`, `lng`, qualifiers as `q0`, `q1`, …, `value` (null where there is none), `weight`.
 */
export function cleanRows(frame: Frame, rows: readonly FileRows[]): string {
  return rows.map((part) => cleanFile(frame, part)).join(' UNION ALL ')
}

function cleanFile(frame: Frame, { file, path, from, to }: FileRows): string {
  const timestamp = timestampOf(file, frame.fillTimestamp)
  const columns = [
    `${featureOf(frame, file)} AS feature`,
    `${timestamp} AS ts`,
    ...frame.regions.map((level) => `replace(${filledText(file, level)}, '//', '') AS ${level}`),
    ...frame.coordinates.map((name) => `${coordinate(file, name)} AS ${name}`),
    ...frame.qualifiers.map((name, index) => `${filledText(file, name)} AS q${index}`),
    `${valueColumn(file)} AS value`,
  ]
  if (frame.weight !== undefined) columns.push(`${weightOf(file, frame.weight)} AS weight`)
  const where = [`${timestamp} < ${TOO_LATE}`]
  if (from !== undefined) where.push(`file_row_number >= ${from}`)
  if (to !== undefined) where.push(`file_row_number < ${to}`)
  const source = parquet([path], 'file_row_number = true')
  return `SELECT ${columns.join(', ')} FROM ${source} WHERE ${where.join(' AND ')}`
}

/** Of one file, by feature: rows, rows without timestamp, with one too late, without value, with a value not a number. */
export function countRows(frame: Frame, rows: FileRows): string {
  const { file } = rows
  const timestamp = columnOf(file, 'timestamp')
  const value = columnOf(file, 'value')
  const given = timestamp ? milliseconds(timestamp) : 'NULL'
  return `SELECT ${featureOf(frame, file)} AS feature, count(*) AS rows,
      count(*) FILTER (${given} IS NULL) AS missing_ts,
      count(*) FILTER (coalesce(${given}, ${frame.fillTimestamp}) >= ${TOO_LATE}) AS invalid_ts,
      count(*) FILTER (${value ? numberOf(value) : 'NULL'} IS NULL) AS missing_value,
      min(${value ? notANumber(value) : 'NULL'}) AS bad_value,
      min(${timestamp ? notANumber(timestamp) : 'NULL'}) AS bad_timestamp
    FROM ${parquet([rows.path])} GROUP BY ALL ORDER BY ALL`
}

/** One row if the column holds anything but nulls and blank text, else none. */
export function hasContent(column: Column, path: string): string {
  const text = asText(column)
  const blank = column.kind === 'text' ? ` AND NOT regexp_full_match(${text}, ${BLANK})` : ''
  return `SELECT 1 FROM ${parquet([path])} WHERE ${text} IS NOT NULL${blank} LIMIT 1`
}

/** The month `ts` (a double) is in, as its first millisecond. */
export function monthOf(ts: string): string {
  return `CASE WHEN ${ts} < ${TOO_EARLY} THEN 0 ELSE ${startOf('month', `CAST(floor(${ts}) AS BIGINT)`)} END`
}

/** First millisecond (UTC) of the month or year that `ms` (a bigint) is in; 0 for all time together. */
export function startOf(resolution: 'month' | 'year' | 'all', ms: string): string {
  return resolution === 'all' ? 'CAST(0 AS BIGINT)' : `epoch_ms(date_trunc('${resolution}', make_timestamp_ms(${ms})))`
}

function columnOf(file: InputFile, name: string): Column | undefined {
  return file.columns.find((column) => column.name === name)
}

function isMixed(frame: Frame, name: string): boolean {
  return (frame.mixedRegions as readonly string[]).includes(name)
}

/** Text as Python writes it, for values that become names; null for NaN. */
function asText({ name, kind }: Column): string {
  const column = ident(name)
  switch (kind) {
    case 'float':
      return `CASE WHEN isnan(CAST(${column} AS DOUBLE)) THEN NULL ELSE CAST(${column} AS VARCHAR) END`
    case 'boolean':
      return `CASE ${column} WHEN true THEN 'True' WHEN false THEN 'False' END`
    default:
      return `CAST(${column} AS VARCHAR)`
  }
}

/** Text, never null: "None" for nothing, empty where the file has no such column. */
function filledText(file: InputFile, name: string): string {
  const column = columnOf(file, name)
  if (column) return `coalesce(${asText(column)}, 'None')`
  return KNOWN_COLUMNS.includes(name) ? `'None'` : `''`
}

/** With several files, a missing feature becomes the feature "None"; in a single one its rows belong to no feature. */
function featureOf(frame: Pick<Frame, 'files'>, file: InputFile): string {
  const column = columnOf(file, 'feature')
  if (!column) return 'CAST(NULL AS VARCHAR)'
  return frame.files.length > 1 ? `coalesce(${asText(column)}, 'None')` : asText(column)
}

/** A double, null for NaN and for what is no number. */
function numberOf(column: Column): string {
  const number = `TRY_CAST(${ident(column.name)} AS DOUBLE)`
  return `CASE WHEN isnan(${number}) THEN NULL ELSE ${number} END`
}

function milliseconds(column: Column): string {
  return column.kind === 'time'
    ? `CAST(epoch_ms(CAST(${ident(column.name)} AS TIMESTAMP)) AS DOUBLE)`
    : numberOf(column)
}

function timestampOf(file: InputFile, fill: number): string {
  const column = columnOf(file, 'timestamp')
  return column ? `coalesce(${milliseconds(column)}, ${fill})` : String(fill)
}

function valueColumn(file: InputFile): string {
  const column = columnOf(file, 'value')
  if (!column) return 'CAST(NULL AS DOUBLE)'
  const number = `TRY_CAST(${ident(column.name)} AS DOUBLE)`
  return `CASE WHEN isfinite(${number}) THEN ${number} END`
}

function coordinate(file: InputFile, name: string): string {
  const column = columnOf(file, name)
  return column ? numberOf(column) : 'CAST(NULL AS DOUBLE)'
}

function weightOf(file: InputFile, name: string): string {
  const column = columnOf(file, name)
  if (!column) return 'CAST(0 AS DOUBLE)'
  const number = `TRY_CAST(${asText(column)} AS DOUBLE)`
  return `CASE WHEN isnan(${number}) THEN 0 ELSE coalesce(${number}, 0) END`
}

/** Text that should have been a number, null for everything else. */
function notANumber({ name, kind }: Column): string {
  const column = ident(name)
  return kind === 'text'
    ? `CASE WHEN TRY_CAST(${column} AS DOUBLE) IS NULL THEN CAST(${column} AS VARCHAR) END`
    : `NULL`
}
