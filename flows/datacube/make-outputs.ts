import { hasTiles } from './frame.ts'
import type { OutputJob } from './job.ts'
import type { Written } from './output-writer.ts'
import { isSelected, type OutputTask, type Params } from './params.ts'
import { type FeatureGroup, type PartUnit, type Unit, unitsOf } from './plan.ts'
import { cutSlice } from './sql/subtiles.ts'
import { computeGlobalTimeseries, type GlobalTimeseries } from './tasks/global-timeseries.ts'
import { computeStats } from './tasks/grid-stats.ts'
import { computeOutputSummary, type SummaryValues } from './tasks/output-summary.ts'
import { computeRegionalAggregation } from './tasks/regional-aggregation.ts'
import { computeRegionalStats } from './tasks/regional-stats.ts'
import { computeRegionalTimeseries } from './tasks/regional-timeseries.ts'
import { type Subtiles, subtileAggregation, type TileUnit } from './tasks/subtile-aggregation.ts'
import { temporalAggregation } from './tasks/temporal-aggregation.ts'
import { computeTiling } from './tasks/tiling.ts'

/** What the output tasks came to. */
export interface Outputs {
  readonly written: readonly (Written | undefined)[]
  readonly series: readonly (GlobalTimeseries | undefined)[]
  /** Undefined for indicators, which have no summary. */
  readonly summary: readonly SummaryValues[] | undefined
  /** First and last month with data. */
  readonly range: readonly [from: number, to: number] | undefined
}

/** Aggregates in time, then makes all outputs side by side. */
export async function makeOutputs(params: Params, groups: readonly FeatureGroup[], job: OutputJob): Promise<Outputs> {
  const all = groups.map((group): Unit => ({ ...group, resolution: 'all' }))
  const withSummary = !params.is_indicator
  await temporalAggregation.map([...unitsOf(groups), ...(withSummary ? all : [])].flatMap(partUnits), job)

  const units = (task: OutputTask, needsRegions = false): Unit[] => {
    if (!isSelected(params, task)) return unitsOf(groups, 'it was not asked for')
    return unitsOf(groups, needsRegions && job.shape.regions.length === 0 && 'there are no regions in the data')
  }
  // Tiles come first: they take longest.
  const [tiles, series, regional, summary] = await Promise.all([
    makeTiles(tileUnits(params, groups, job), job),
    computeGlobalTimeseries.map(units('compute_global_timeseries'), job),
    Promise.all([
      computeRegionalStats.map(units('compute_regional_stats', true), job),
      computeRegionalTimeseries.map(units('compute_regional_timeseries', true), job),
      computeRegionalAggregation.map(units('compute_regional_aggregation', true), job),
    ]),
    withSummary ? computeOutputSummary.map(all, job) : undefined,
  ])
  return {
    written: [...tiles, ...series.map((one) => one?.written), ...regional.flat()],
    series,
    summary: summary?.flat(),
    range: rangeOf(series),
  }
}

function partUnits(unit: Unit): PartUnit[] {
  return Array.from({ length: unit.parts }, (_, number) => ({ ...unit, part: { number, of: unit.parts } }))
}

function tileUnits(params: Params, groups: readonly FeatureGroup[], job: OutputJob): Unit[] {
  if (!isSelected(params, 'compute_tiles')) return unitsOf(groups, 'it was not asked for')
  return unitsOf(groups, !hasTiles(job.shape) && 'there are no coordinates in the data')
}

async function makeTiles(units: readonly Unit[], job: OutputJob): Promise<(Written | undefined)[]> {
  const subtiles = await subtileAggregation.map(units, job)
  const skipped = units.filter((unit) => unit.skip !== undefined)
  const slices = subtiles.flatMap((one) => (one ? slicesOf(one) : []))
  const [tiles, stats] = await Promise.all([
    computeTiling.map([...skipped, ...slices], job),
    computeStats.map([...skipped, ...subtiles.flatMap((one) => one ?? [])], job),
  ])
  return [...tiles, ...stats]
}

function slicesOf({ unit, slices }: Subtiles): TileUnit[] {
  return slices.flatMap(([slice, subtiles]) => cutSlice(subtiles).map((cut): TileUnit => ({ ...unit, ...cut, slice })))
}

function rangeOf(series: readonly (GlobalTimeseries | undefined)[]): [number, number] | undefined {
  const ranges = series.flatMap((one) => (one?.resolution === 'month' && one.range ? [one.range] : []))
  if (ranges.length === 0) return undefined
  return [Math.min(...ranges.map(([from]) => from)), Math.max(...ranges.map(([, to]) => to))]
}
