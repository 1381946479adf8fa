import type { Frame, Shape } from '../frame.ts'
import { isIn, parquet } from './quote.ts'
import { monthOf, startOf } from './rows.ts'
import { subtileX, subtileY } from './subtiles.ts'

/** Resolutions in time; `all` is everything together, for the summary. */
export type Resolution = 'month' | 'year' | 'all'

/**
 * Part of the monthly aggregate: what the clean rows of one piece of the input add to each of its cells.
 * Years and all time are made from it as well, so each row of the input is read once.
 */
export function partialAggregate(frame: Frame, cleanRows: string): string {
  const columns = [
    'feature',
    `${monthOf('ts')} AS month`,
    ...keysOf(frame),
    `${bucketOf(frame)} AS bucket`,
    // The sums correct their rounding errors, so that they hardly depend on the order of the input.
    'fsum(value) AS value_sum',
    'count(value) AS value_count',
  ]
  if (frame.weight !== undefined) {
    columns.push('fsum(value * weight) AS weighted_sum', 'fsum(weight) AS weight_sum', 'count(*) AS row_count')
  }
  return `SELECT ${columns.join(', ')} FROM (${cleanRows}) WHERE feature IS NOT NULL GROUP BY ALL ORDER BY feature, bucket`
}

/**
 * The aggregate in time of some features: one row for each feature, timestamp, region, place and combination of
 * qualifiers, with `t_sum`, `t_mean` and, where there are weights, `t_wavg` and the mean `weight`.
 * Rows without coordinates are left out as soon as the data has any.
 */
export function temporalAggregate(
  shape: Shape,
  partials: readonly string[],
  features: readonly string[],
  resolution: Resolution,
  part: Part,
): string {
  const keys = ['feature', 'timestamp', ...keysOf(shape)]
  const columns = [
    'feature',
    `${startOf(resolution, 'month')} AS timestamp`,
    ...keys.slice(2),
    'coalesce(fsum(value_sum), 0) AS t_sum',
    'fsum(value_sum) / nullif(sum(value_count), 0) AS t_mean',
  ]
  if (shape.weighted) {
    columns.push(
      // Weights of rows without a value count below the line too.
      'coalesce(fsum(weighted_sum), 0) / nullif(fsum(weight_sum), 0) AS t_wavg',
      'fsum(weight_sum) / sum(row_count) AS weight',
    )
  }
  const where = [isIn('feature', features), ...shape.coordinates.map((name) => `${name} IS NOT NULL`)]
  if (part.of > 1) {
    const edge = (number: number): number => Math.ceil((BUCKETS * number) / part.of)
    where.push(`bucket >= ${edge(part.number)} AND bucket < ${edge(part.number + 1)}`)
  }
  return `SELECT ${columns.join(', ')} FROM ${parquet(partials)} WHERE ${where.join(' AND ')}
    GROUP BY ALL ORDER BY ${keys.join(', ')}`
}

/** Aggregates that do not fit in memory are made in parts, by place. */
export interface Part {
  readonly number: number
  readonly of: number
}

/** Places are put into so many buckets: there cannot be more parts. */
export const BUCKETS = 1024

/** The bucket of a row: the same for all rows of one map cell, so that parts can be made into map cells one by one. */
function bucketOf(shape: Pick<Shape, 'regions' | 'coordinates' | 'qualifiers'>): string {
  const place = shape.coordinates.length === 2 ? [subtileX('lng'), subtileY('lat')] : ["''", ...keysOf(shape)]
  return `CAST(hash(${place.join(', ')}) % ${BUCKETS} AS INTEGER)`
}

/** Columns that tell the rows of one feature and time apart: also qualifiers that nothing is split by. */
function keysOf(shape: Pick<Shape, 'regions' | 'coordinates' | 'qualifiers'>): string[] {
  return [...shape.regions, ...shape.coordinates, ...shape.qualifiers.map((_, index) => `q${index}`)]
}
