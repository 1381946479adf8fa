import { log, type RunInfo, UserError } from '@millrace/sdk'
import { KNOWN_COLUMNS } from './columns.ts'
import { type Destination, openDestination } from './destination.ts'
import { hasTiles, shapeOf } from './frame.ts'
import { numericPaths } from './input-paths.ts'
import { fetchInputs } from './inputs.ts'
import type { Job, OutputJob } from './job.ts'
import { makeOutputs } from './make-outputs.ts'
import { totalWritten, type Written } from './output-writer.ts'
import { isWhole, type Params } from './params.ts'
import { type FeatureGroup, groupsOf, partsOf, piecesOf, rawUnitsOf } from './plan.ts'
import { limitQualifiers, type QualifierCounts, usedQualifiers } from './qualifiers.ts'
import { resultsOf } from './results.ts'
import { openRunFolder } from './run-folder.ts'
import { Stopwatch } from './stopwatch.ts'
import { type InputData, readData } from './tasks/read-data.ts'
import { recordQualifierLists, recordRegionLists } from './tasks/record-lists.ts'
import { recordResults } from './tasks/record-results.ts'
import { saveRawData } from './tasks/save-raw-data.ts'
import { validateAndFix } from './tasks/validate-and-fix.ts'

/** What a run of the flow says about itself. */
export interface DatacubeSummary {
  readonly destination: string
  readonly rows: number
  readonly rowsPerFeature: Readonly<Record<string, number>>
  readonly features: readonly string[]
  readonly files: number
  readonly bytes: number
  readonly resolutions: readonly string[]
  /** First and last month that has data, as milliseconds; null where there is none or it was not computed. */
  readonly timeRange: readonly [from: number, to: number] | null
  readonly missingTimestamps: number
  readonly invalidTimestamps: number
  readonly missingValues: number
  /** Seconds by stage. */
  readonly seconds: Readonly<Record<string, number>>
}

/** The flow: plans, and hands the work to tasks. */
export async function makeDatacube(params: Params, run: RunInfo): Promise<DatacubeSummary> {
  const paths = numericPaths(params.data_paths)
  if (KNOWN_COLUMNS.includes(params.weight_column)) {
    throw new UserError(
      `datacube: parameter weight_column: "${params.weight_column}" has another meaning: name an extra column`,
    )
  }
  const parameter = params.is_indicator ? 'indicator_bucket' : 'model_bucket'
  const folder = await openRunFolder(run)
  try {
    const destination = await openDestination(
      parameter,
      params[parameter],
      [params.model_id, params.run_id],
      folder.name,
    )
    try {
      const summary = await compute(params, paths, folder.url, destination)
      await destination.publish()
      log.info(`wrote ${summary.files} files to ${destination.url}`, { bytes: summary.bytes })
      return summary
    } catch (error) {
      await destination.discard()
      throw error
    }
  } finally {
    await folder.close()
  }
}

async function compute(
  params: Params,
  paths: readonly string[],
  scratch: string,
  destination: Destination,
): Promise<DatacubeSummary> {
  const watch = new Stopwatch()
  const { output } = destination
  const inputs = await watch.time('fetch', () => fetchInputs(paths, scratch, params.source))
  const data = await watch.time('read', () =>
    readData(inputs, { scratch, weightColumn: params.weight_column, fillTimestamp: params.fill_timestamp }),
  )
  describe(data, params)

  const { frame } = data
  const rowsPerFeature = new Map(data.rowsPerFeature)
  const pieces = piecesOf(frame.files)
  const groups = groupsOf(rowsPerFeature)
  const job: Job = { scratch, output, shape: shapeOf(frame), pieces: pieces.length }
  const [raw, large] = await watch.time('clean', () =>
    Promise.all([
      saveRawData.map(rawUnitsOf(rowsPerFeature, params.raw_count_threshold), { scratch, output, frame }),
      validateAndFix.map(pieces, { scratch, frame }),
    ]),
  )
  const lists = await watch.time('lists', () => recordLists(groups, job, params))
  const cells = new Map<string, number>()
  for (const [feature, count] of large.flat()) cells.set(feature, (cells.get(feature) ?? 0) + count)
  const cut = groups.map((group) => ({ ...group, parts: partsOf(group, cells) }))
  const outputs = await watch.time('output', () => makeOutputs(params, cut, outputJob(job, params, lists.counts)))
  const results = isWhole(params) ? resultsOf(params, data, lists.features, outputs.series, outputs.summary) : undefined
  const recorded = await recordResults(results, output)
  const written = totalWritten([...raw, ...lists.written, ...outputs.written, recorded])
  return {
    destination: destination.url,
    rows: data.rows,
    rowsPerFeature: Object.fromEntries(rowsPerFeature),
    features: lists.features,
    ...written,
    resolutions: ['month', 'year'],
    timeRange: outputs.range ?? null,
    missingTimestamps: data.missingTimestamps,
    invalidTimestamps: data.invalidTimestamps,
    missingValues: data.missingValues,
    seconds: watch.seconds,
  }
}

/** Tells the person what was found in the input, and what is odd about it. */
function describe(data: InputData, params: Params): void {
  const { frame, rows, rowsPerFeature } = data
  log.info(`read ${rows} rows of ${rowsPerFeature.length} features`, {
    files: frame.files.length,
    regions: frame.regions.join(', ') || 'none',
    qualifiers: frame.qualifiers.join(', ') || 'none',
    tiles: hasTiles(frame),
  })
  const odd: [count: number, what: string][] = [
    [data.missingTimestamps, `rows without a timestamp: they get fill_timestamp, ${params.fill_timestamp}`],
    [data.invalidTimestamps, 'rows with a timestamp too far in the future: they are dropped'],
    [data.missingValues, 'rows without a value: they count as 0 in sums, and not at all in means'],
    [data.rowsWithoutFeature, 'rows without a feature: they are in no output'],
  ]
  for (const [count, what] of odd) if (count > 0) log.warn(`${count} ${what}`)
  if (params.weight_column !== '' && frame.weight === undefined) {
    log.warn(`weight_column: there is no column "${params.weight_column}" with anything in it; nothing is weighted`)
  }
  if (frame.coordinates.length === 1) log.warn(`only ${frame.coordinates[0]} is given: there are no tiles`)
  if (frame.mixedRegions.length > 0) log.warn(`of differing type among the files: ${frame.mixedRegions.join(', ')}`)
}

interface Lists {
  readonly written: readonly Written[]
  /** Features that have rows that can be used. */
  readonly features: readonly string[]
  readonly counts: QualifierCounts
}

async function recordLists(groups: readonly FeatureGroup[], job: Job, params: Params): Promise<Lists> {
  const [regions, qualifiers] = await Promise.all([
    recordRegionLists.map(groups, job),
    recordQualifierLists.map(groups, job, params.qualifier_thresholds),
  ])
  const counts = qualifiers.flatMap((lists) => lists.counts)
  return {
    written: [...regions, ...qualifiers.map((lists) => lists.written)],
    features: counts.map(([feature]) => feature).sort(),
    counts: Object.fromEntries(counts),
  }
}

function outputJob(job: Job, params: Params, counts: QualifierCounts): OutputJob {
  const { qualifier_thresholds: thresholds, qualifier_map } = params
  const qualifierMap = limitQualifiers(qualifier_map, counts, thresholds.max_count)
  const kept = usedQualifiers(qualifierMap, job.shape.qualifiers)
  return {
    ...job,
    qualifierMap,
    regionalQualifierMap: limitQualifiers(qualifierMap, counts, thresholds.regional_timeseries_count),
    keptQualifiers: kept.map((name) => job.shape.qualifiers.indexOf(name)),
    thresholds,
  }
}
