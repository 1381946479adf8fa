import { type Frame, hasTiles } from './frame.ts'
import { isSelected, type Params } from './params.ts'
import type { GlobalTimeseries } from './tasks/global-timeseries.ts'
import type { SummaryValues } from './tasks/output-summary.ts'
import type { InputData } from './tasks/read-data.ts'

/** The content of results.json. Field names are those its readers know. */
export interface Results {
  readonly data_info: {
    readonly num_rows: number
    readonly num_rows_per_feature: Readonly<Record<string, number>>
    readonly num_missing_ts: number
    readonly num_invalid_ts: number
    readonly num_missing_val: number
    readonly region_levels: readonly string[]
    readonly features: readonly string[]
    readonly raw_count_threshold: number
    readonly has_tiles: boolean
    readonly has_monthly: boolean
    readonly has_annual: boolean
    readonly has_weights: boolean
    readonly month_timeseries_size: Readonly<Record<string, number>>
    readonly year_timeseries_size: Readonly<Record<string, number>>
  }
  readonly output_agg_values?: readonly SummaryValues[]
}

/** Puts together results.json. */
export function resultsOf(
  params: Params,
  data: InputData,
  features: readonly string[],
  series: readonly (GlobalTimeseries | undefined)[],
  summary: readonly SummaryValues[] | undefined,
): Results {
  const { frame } = data
  const tiles = hasTiles(frame) && isSelected(params, 'compute_tiles')
  return {
    data_info: {
      num_rows: data.rows,
      num_rows_per_feature: Object.fromEntries(data.rowsPerFeature),
      num_missing_ts: data.missingTimestamps,
      num_invalid_ts: data.invalidTimestamps,
      num_missing_val: data.missingValues,
      region_levels: regionLevels(frame, tiles),
      features,
      raw_count_threshold: params.raw_count_threshold,
      has_tiles: tiles,
      has_monthly: true,
      has_annual: true,
      has_weights: frame.weight !== undefined,
      month_timeseries_size: sizes(series, 'month'),
      year_timeseries_size: sizes(series, 'year'),
    },
    ...(summary && { output_agg_values: summary }),
  }
}

function regionLevels(frame: Frame, tiles: boolean): string[] {
  return tiles ? [...frame.regions, 'grid data'] : [...frame.regions]
}

function sizes(series: readonly (GlobalTimeseries | undefined)[], resolution: string): Record<string, number> {
  const some = series.filter((one) => one?.resolution === resolution)
  return Object.fromEntries(some.flatMap((one) => one?.sizes ?? []))
}
