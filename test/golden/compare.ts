import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { TileSchema } from '../../flows/datacube/tiles/tiles_pb.ts'

/** One file of a known answer. */
interface Expected {
  readonly path: string
  readonly text?: string
  readonly tile?: unknown
}

/** Absolute tolerance for sums that end near 0, and for numbers that were rounded to ten decimals. */
const NEAR_ZERO = 1e-12
const ROUNDED = 1e-10
const RELATIVE = 1e-9
/** Lists of extremes are cut at this length: which of those at the oldest timestamp are in is a choice. */
const MOST_EXTREMES = 20

/**
 * Compares an output tree of the flow datacube with a known answer.
 * @param expectedFile expected.jsonl of a case; the first part of its paths is the bucket
 * @param folder what was written below the bucket
 * @returns a line for each difference; none when they agree
 */
export function compareTrees(expectedFile: string, folder: string): string[] {
  const expected = readExpected(expectedFile)
  const actual = new Set(filesBelow(folder))
  const missing = [...expected.keys()].filter((path) => !actual.has(path)).map((path) => `${path}: missing`)
  const extra = [...actual].filter((path) => !expected.has(path)).map((path) => `${path}: not expected`)
  const differing = [...expected].flatMap(([path, file]) => {
    if (!actual.has(path)) return []
    const difference = compareFile(file, path, readFileSync(join(folder, path)))
    return difference === undefined ? [] : [`${path}: ${difference}`]
  })
  return [...missing, ...extra, ...differing]
}

function readExpected(file: string): Map<string, Expected> {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return new Map(
    lines.map((line) => {
      const one = JSON.parse(line) as Expected
      return [one.path.slice(one.path.indexOf('/') + 1), one]
    }),
  )
}

/** Relative paths of all files below a folder, with "/" between parts; none if it is not there. */
export function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort()
  } catch {
    return []
  }
}

function compareFile(expected: Expected, path: string, bytes: Uint8Array): string | undefined {
  if (expected.tile !== undefined) return compareValues(expected.tile, decodeTile(bytes), NEAR_ZERO)
  const [before, after] = [expected.text ?? '', new TextDecoder().decode(bytes)]
  if (path.endsWith('.csv')) return compareRows(parseCsv(before), parseCsv(after))
  const [known, found] = [JSON.parse(before), JSON.parse(after)]
  if (path.endsWith('extrema.json')) return compareExtrema(known, found)
  return compareValues(sortLists(known), sortLists(found), path.endsWith('results.json') ? ROUNDED : NEAR_ZERO)
}

function decodeTile(bytes: Uint8Array): unknown {
  const { coord, bins } = fromBinary(TileSchema, bytes)
  const stats = Object.entries(bins?.stats ?? {}).map(([bin, { sSumTSum, sSumTMean, weight }]) => [
    bin,
    { s_sum_t_sum: sSumTSum, s_sum_t_mean: sSumTMean, weight },
  ])
  return {
    coord: { z: coord?.z, x: coord?.x, y: coord?.y },
    totalBins: bins?.totalBins,
    stats: Object.fromEntries(stats),
  }
}

function isClose(a: number, b: number, absolute: number): boolean {
  return a === b || Math.abs(a - b) <= Math.max(absolute, RELATIVE * Math.max(Math.abs(a), Math.abs(b)))
}

/** @returns what differs first, as a path and two values */
function compareValues(expected: unknown, actual: unknown, absolute: number, at = ''): string | undefined {
  if (typeof expected === 'number' && typeof actual === 'number') {
    return isClose(expected, actual, absolute) ? undefined : `${at}: expected ${expected}, got ${actual}`
  }
  if (isObject(expected) && isObject(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)])
    for (const key of keys) {
      const difference = compareValues(expected[key], actual[key], absolute, `${at}.${key}`)
      if (difference !== undefined) return difference
    }
    return undefined
  }
  return Object.is(expected, actual) ? undefined : `${at}: expected ${show(expected)}, got ${show(actual)}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function show(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? 'nothing'
}

/** Lists in these files are sets. */
function sortLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortLists).sort((a, b) => compareTexts(JSON.stringify(a), JSON.stringify(b)))
  if (!isObject(value)) return value
  const keys = Object.keys(value).sort(compareTexts)
  return Object.fromEntries(keys.map((key) => [key, sortLists(value[key])]))
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

type Row = Record<string, string | number>

/** Rows by column name; cells that are numbers as numbers. */
function parseCsv(text: string): Row[] {
  const [header = [], ...rows] = splitCsv(text)
  return rows.map((cells) => Object.fromEntries(header.map((name, index) => [name, cellValue(cells[index] ?? '')])))
}

function cellValue(cell: string): string | number {
  return cell.trim() !== '' && Number.isFinite(Number(cell)) ? Number(cell) : cell
}

function splitCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === ',') continue
    if (end === '' && row.length === 1 && row[0] === '') break
    rows.push(row)
    row = []
  }
  return rows
}

/** Rows have no order: they are sorted by what does not differ by rounding. */
function compareRows(expected: Row[], actual: Row[]): string | undefined {
  if (expected.length !== actual.length) return `expected ${expected.length} rows, got ${actual.length}`
  return compareValues(sortRows(expected), sortRows(actual), NEAR_ZERO)
}

function sortRows(rows: Row[]): Row[] {
  const key = (row: Row): string =>
    Object.keys(row)
      .sort(compareTexts)
      .map((name) => (typeof row[name] === 'number' ? row[name].toPrecision(7) : row[name]))
      .join('\t')
  return rows.map((row) => [key(row), row] as const).sort(([a], [b]) => compareTexts(a, b)).map(([, row]) => row)
}

interface Extreme {
  readonly region_id: string
  readonly timestamp: number
  readonly value: number
}
type Extrema = Record<string, Record<string, Extreme[]>>

function compareExtrema(expected: Extrema, actual: Extrema): string | undefined {
  for (const kind of ['min', 'max']) {
    const columns = new Set([...Object.keys(expected[kind] ?? {}), ...Object.keys(actual[kind] ?? {})])
    for (const column of columns) {
      const difference = compareTies(expected[kind]?.[column] ?? [], actual[kind]?.[column] ?? [])
      if (difference !== undefined) return `${kind}.${column}: ${difference}`
    }
  }
  return undefined
}

function compareTies(expected: Extreme[], actual: Extreme[]): string | undefined {
  if (expected.length !== actual.length) return `expected ${expected.length} regions, got ${actual.length}`
  if (actual.some((one, index) => index > 0 && one.timestamp > (actual[index - 1]?.timestamp ?? 0))) {
    return 'the newest are not first'
  }
  const best = expected[0]?.value ?? 0
  const other = actual.find((one) => !isClose(one.value, best, NEAR_ZERO))
  if (other) return `expected ${best}, got ${other.value}`
  const oldest = Math.min(...expected.map((one) => one.timestamp))
  const certain = (list: Extreme[]): string =>
    list
      .filter((one) => expected.length < MOST_EXTREMES || one.timestamp > oldest)
      .map((one) => `${one.timestamp} ${one.region_id}`)
      .sort(compareTexts)
      .join(', ')
  const [before, after] = [certain(expected), certain(actual)]
  return before === after ? undefined : `expected ${before}, got ${after}`
}
