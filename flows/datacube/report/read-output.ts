import { readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { UserError } from '@millrace/sdk'
import { type Database, withDatabase } from '../duckdb.ts'
import { outputPath } from '../output-path.ts'
import type { Results } from '../results.ts'
import { literal } from '../sql/quote.ts'
import { isUnitedStates } from './map-view.ts'
import { readTileLayer, type TileLayer } from './tile-layer.ts'

/** One timestamp of a time series. */
export interface Point {
  readonly timestamp: number
  /** Mean over places of their monthly means. */
  readonly mean: number | undefined
  /** How many places had a value. */
  readonly count: number
}

/** Means by value of a qualifier and month. */
export interface Split {
  readonly qualifier: string
  readonly values: readonly string[]
  readonly rows: readonly { readonly timestamp: number; readonly means: readonly (number | undefined)[] }[]
}

/** Where and when a mean was lowest and highest. */
export interface ExtremeRow {
  readonly level: string
  readonly extreme: 'min' | 'max'
  readonly region: string
  readonly timestamp: number
  readonly value: number
  /** How many others tie with it. */
  readonly ties: number
}

export interface Region {
  readonly id: string
  readonly mean: number
  readonly count: number
}

export interface FeatureOutput {
  readonly name: string
  readonly rows: number
  readonly points: readonly Point[]
  readonly splits: readonly Split[]
  readonly extremes: readonly ExtremeRow[]
  /** Regions of the largest level that has several, in the last year. */
  readonly regions: { readonly level: string; readonly list: readonly Region[] } | undefined
  readonly tiles: TileLayer | undefined
}

export interface Output {
  readonly model: string
  readonly run: string
  readonly results: Results
  readonly files: number
  readonly bytes: number
  readonly countries: readonly string[]
  /** Regions of the finest level. */
  readonly regions: number
  readonly features: readonly FeatureOutput[]
}

/** Cells side by side in a map that reads well; that of the United States leaves out much of the way to Alaska. */
const [NARROW, WIDE] = [80, 130]

/** Features shown; a page of hundreds would help nobody. */
const MOST_FEATURES = 6

/**
 * Reads what the report shows from the output of a run.
 * @throws UserError when the folder is not the output of a whole run
 */
export async function readOutput(folder: string): Promise<Output> {
  const results = readJson<Results>(join(folder, 'results', 'results.json'))
  if (!results) {
    throw new UserError(
      `report: ${folder}: there is no results/results.json`,
      'Name the folder of a run that made all outputs: {bucket}/{model_id}/{run_id}.',
    )
  }
  const names = results.data_info.features.slice(0, MOST_FEATURES)
  const lists = names.map((name) =>
    readJson<Record<string, string[]>>(at(folder, ['raw', name, 'info', 'region_lists'], '.json')),
  )
  const countries = [...new Set(lists.flatMap((list) => list?.country ?? []))]
  const regions = Math.max(0, ...lists.flatMap((list) => Object.values(list ?? {}).map((ids) => ids.length)))
  return withDatabase(tmpdir(), async (db) => {
    const features: FeatureOutput[] = []
    for (const name of names) features.push(await readFeature(db, folder, name, results, countries))
    return {
      model: basename(dirname(folder)),
      run: basename(folder),
      results,
      ...sizeOf(folder),
      countries,
      regions,
      features,
    }
  })
}

async function readFeature(
  db: Database,
  folder: string,
  name: string,
  results: Results,
  countries: readonly string[],
): Promise<FeatureOutput> {
  const month = ['month', name]
  const global = await readCsv(db, at(folder, [...month, 'timeseries', 'global', 'global'], '.csv'))
  const points = global.map(
    (row): Point => ({
      timestamp: Number(row.timestamp),
      mean: numberOf(row.s_mean_t_mean),
      count: Number(row.s_count),
    }),
  )
  const splits: Split[] = []
  for (const qualifier of namesIn(at(folder, [...month, 'timeseries', 'qualifiers']))) {
    const rows = await readCsv(
      db,
      at(folder, [...month, 'timeseries', 'qualifiers', qualifier, 's_mean_t_mean'], '.csv'),
    )
    const values = Object.keys(rows[0] ?? {}).filter((key) => key !== 'timestamp')
    splits.push({
      qualifier,
      values,
      rows: rows.map((row) => ({
        timestamp: Number(row.timestamp),
        means: values.map((value) => numberOf(row[value])),
      })),
    })
  }
  const levels = results.data_info.region_levels.filter((level) => level !== 'grid data')
  return {
    name,
    rows: results.data_info.num_rows_per_feature[name] ?? 0,
    points,
    splits,
    extremes: levels.flatMap((level) => readExtremes(folder, name, level)),
    regions: await readRegions(db, folder, name, levels),
    tiles: readTileLayer(at(folder, ['year', name, 'tiles']), isUnitedStates(countries) ? WIDE : NARROW),
  }
}

interface ExtremaFile {
  readonly min: Record<string, { region_id: string; timestamp: number; value: number }[]>
  readonly max: Record<string, { region_id: string; timestamp: number; value: number }[]>
}

function readExtremes(folder: string, feature: string, level: string): ExtremeRow[] {
  const path = at(folder, ['month', feature, 'regional', level, 'stats', 'default', 'extrema'], '.json')
  const extrema = readJson<ExtremaFile>(path)
  return (['min', 'max'] as const).flatMap((extreme) => {
    const [first, ...others] = extrema?.[extreme].s_mean_t_mean ?? []
    if (!first) return []
    const { region_id: region, timestamp, value } = first
    return [{ level, extreme, region, timestamp, value, ties: others.length }]
  })
}

/** The last year's regions, of the largest level that has more than one. */
async function readRegions(
  db: Database,
  folder: string,
  feature: string,
  levels: readonly string[],
): Promise<FeatureOutput['regions']> {
  for (const level of levels) {
    const aggregates = at(folder, ['year', feature, 'regional', level, 'aggs'])
    const last = namesIn(aggregates)
      .sort((a, b) => Number(a) - Number(b))
      .at(-1)
    if (last === undefined) continue
    const rows = await readCsv(db, join(aggregates, last, 'default', 'default.csv'))
    const list = rows.flatMap((row): Region[] => {
      const mean = numberOf(row.s_mean_t_mean)
      return mean === undefined ? [] : [{ id: String(row.id), mean, count: Number(row.s_count) }]
    })
    if (list.length > 1) return { level, list: list.sort((a, b) => b.mean - a.mean) }
  }
  return undefined
}

async function readCsv(db: Database, file: string): Promise<Record<string, string | null>[]> {
  if (!statSync(file, { throwIfNoEntry: false })) return []
  const source = `read_csv(${literal(file)}, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')`
  const names = (await db.rows(`SELECT column_name FROM (DESCRIBE FROM ${source})`)).map(([name]) => String(name))
  const rows = await db.rows(`FROM ${source}`)
  return rows.map((row) =>
    Object.fromEntries(names.map((name, index) => [name, row[index] === null ? null : String(row[index])])),
  )
}

function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function at(folder: string, values: readonly string[], extension = ''): string {
  return join(folder, outputPath(values, extension))
}

function numberOf(text: string | null | undefined): number | undefined {
  return text === null || text === undefined || text === '' ? undefined : Number(text)
}

function sizeOf(folder: string): { files: number; bytes: number } {
  let files = 0
  let bytes = 0
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue
    files++
    bytes += statSync(join(entry.parentPath, entry.name)).size
  }
  return { files, bytes }
}
