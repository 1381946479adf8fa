import type { Level } from '../frame.ts'
import { literal } from './quote.ts'

/** Aggregates in space of the aggregates in time, in the order of the output's columns. */
export function aggregateColumns(weighted: boolean): string[] {
  const columns = ['s_sum_t_sum', 's_mean_t_sum', 's_sum_t_mean', 's_mean_t_mean', 's_count']
  if (weighted) columns.push('s_sum_t_wavg', 's_mean_t_wavg', 's_wavg_t_sum', 's_wavg_t_mean', 's_wavg_t_wavg')
  return columns
}

/** Columns of the summary over all time. */
export function summaryColumns(weighted: boolean): string[] {
  const of = (column: string): string[] => ['min', 'max', 'sum', 'mean'].map((name) => `s_${name}_${column}`)
  const columns = [...of('t_sum'), ...of('t_mean')]
  if (weighted) columns.push(...of('t_wavg'), 's_wavg_t_sum', 's_wavg_t_mean', 's_wavg_t_wavg')
  return columns
}

/**
 * Groups aggregates in time by `keys`.
 * @param columns some of {@link aggregateColumns} or {@link summaryColumns}
 * @param keys SQL expressions with their names
 */
export function spatialAggregate(source: string, keys: readonly string[], columns: readonly string[]): string {
  const select = [...keys, ...columns.map((column) => `${aggregate(column)} AS ${column}`)]
  return `SELECT ${select.join(', ')} FROM ${source} GROUP BY ALL`
}

/** What an output column is made of: `s_mean_t_sum` is the mean in space of `t_sum`. */
function aggregate(column: string): string {
  if (column === 's_count') return 'count(t_mean)'
  const [, how, what] = /^s_(min|max|sum|mean|wavg)_(t_sum|t_mean|t_wavg)$/.exec(column) ?? []
  switch (how) {
    case 'min':
    case 'max':
      return `${how}(${what})`
    case 'sum':
      return `coalesce(fsum(${what}), 0)`
    case 'mean':
      return `fsum(${what}) / nullif(count(${what}), 0)`
    case 'wavg':
      return `coalesce(fsum(${what} * weight), 0) / nullif(fsum(weight), 0)`
    default:
      throw new Error(`there is no aggregate ${column}`)
  }
}

/** The id of a region: names from the largest region down, "None" for a level the data does not have. */
export function regionId({ parts }: Level): string {
  return `concat_ws('__', ${parts.map((part) => part ?? literal('None')).join(', ')})`
}

/** How many regions that tie for an extreme are listed. */
const MOST_TIES = 20

/**
 * Regions with the smallest and largest aggregates, as `feature, extreme, aggregate, region_id, timestamp, value`:
 * the latest {@link MOST_TIES} of those that tie; among equal timestamps by region id.
 * @param regional a table with `feature`, `region_id`, `timestamp` and the columns
 */
export function extrema(regional: string, columns: readonly string[]): string {
  const one = (extreme: 'min' | 'max', column: string): string => `
    SELECT feature, '${extreme}' AS extreme, '${column}' AS aggregate, region_id, timestamp, ${column} AS value
    FROM (SELECT feature, region_id, timestamp, ${column}, ${extreme}(${column}) OVER (PARTITION BY feature) AS best
      FROM ${regional})
    WHERE ${column} = best
    QUALIFY row_number() OVER (PARTITION BY feature ORDER BY timestamp DESC, region_id) <= ${MOST_TIES}`
  const all = (['min', 'max'] as const).flatMap((extreme) => columns.map((column) => one(extreme, column)))
  return `${all.join(' UNION ALL ')} ORDER BY feature, extreme, aggregate, timestamp DESC, region_id`
}
