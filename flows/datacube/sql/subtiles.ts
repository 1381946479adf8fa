import { literal } from './quote.ts'

/**
 * Slippy-map cells. Subtiles are the cells data is summed in, tiles the files they are stored in: a tile of zoom z
 * holds the 64 x 64 subtiles of zoom z + 6. See https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames.
 */
export const FINEST = 14
export const COARSEST = 6
/** Subtiles along the edge of a tile, as a power of two. */
export const LEVEL_DIFFERENCE = 6

/** Column of a longitude, at the finest zoom. Cut towards zero: a little beyond the edge still counts as inside. */
export function subtileX(lng: string): string {
  return `TRY_CAST(trunc((${lng} + 180.0) / 360.0 * ${2 ** FINEST}) AS BIGINT)`
}

/** Row of a latitude, at the finest zoom; negative towards the north pole, beyond the last row towards the south pole. */
export function subtileY(lat: string): string {
  return `TRY_CAST(trunc((1.0 - asinh(tan(radians(${lat}))) / pi()) / 2.0 * ${2 ** FINEST}) AS BIGINT)`
}

/**
 * Sums by feature, timestamp and finest subtile. Places that are on no map (infinite coordinates) are left out.
 * From here on a feature is its number in the list, for text would be most of what is read.
 */
export function subtileAggregate(source: string, features: readonly string[]): string {
  const list = `[${features.map(literal).join(', ')}]`
  return `SELECT number AS feature, timestamp, x, y, fsum(t_sum) AS s_sum_t_sum, coalesce(fsum(t_mean), 0) AS s_sum_t_mean,
      count(t_mean) AS s_count
    FROM (SELECT *, ${subtileX('lng')} AS x, ${subtileY('lat')} AS y FROM ${source})
      JOIN (SELECT unnest(${list}) AS feature, CAST(unnest(range(${features.length})) AS INTEGER) AS number)
      USING (feature)
    WHERE x IS NOT NULL AND y IS NOT NULL GROUP BY ALL`
}

/** A parent's number from its child's: half of it, rounded down also below zero. */
function ancestor(number: string, levels: string): string {
  return `(${number} >> ${levels})`
}

/** Sums by feature, timestamp and subtile (`zoom`, `x`, `y`), for each of the given zooms. */
export function ancestors(subtiles: string, zooms: readonly number[]): string {
  const levels = `(${FINEST} - zoom)`
  return `SELECT feature, timestamp, zoom, ${ancestor('x', levels)} AS x, ${ancestor('y', levels)} AS y,
      fsum(s_sum_t_sum) AS s_sum_t_sum, fsum(s_sum_t_mean) AS s_sum_t_mean, sum(s_count) AS s_count
    FROM ${subtiles}, (SELECT unnest([${zooms.join(', ')}]) AS zoom) GROUP BY ALL`
}

/** Columns of the grid statistics: the smallest and the largest of each aggregate, in turn. */
export const GRID_COLUMNS = ['s_sum_t_sum', 's_sum_t_mean', 's_mean_t_sum', 's_mean_t_mean'].flatMap((column) => [
  `min_${column}`,
  `max_${column}`,
])

/** Smallest and largest subtile by feature, timestamp and zoom. */
export function gridStatistics(subtiles: string, zooms: readonly number[]): string {
  const columns = GRID_COLUMNS.map((name) => `${name.slice(0, 3)}(${name.slice(4)}) AS ${name}`)
  return `SELECT feature, timestamp, zoom, ${columns.join(', ')}
    FROM (SELECT *, s_sum_t_sum / nullif(s_count, 0) AS s_mean_t_sum,
        s_sum_t_mean / nullif(s_count, 0) AS s_mean_t_mean
      FROM (${ancestors(subtiles, zooms)}))
    GROUP BY ALL`
}

/** Bins of tiles, those of one tile together; tiles left of or above the map are left out. */
export function tileBins(subtiles: string, zooms: readonly number[]): string {
  return `SELECT feature, CAST(timestamp AS DOUBLE) AS timestamp, CAST(zoom - ${LEVEL_DIFFERENCE} AS INTEGER) AS z,
      CAST(x >> ${LEVEL_DIFFERENCE} AS DOUBLE) AS tile_x, CAST(y >> ${LEVEL_DIFFERENCE} AS DOUBLE) AS tile_y,
      CAST((x & 63) + (y & 63) * 64 AS INTEGER) AS bin,
      s_sum_t_sum, s_sum_t_mean, CAST(s_count AS DOUBLE) AS weight
    FROM (${ancestors(subtiles, zooms)}) WHERE x >= 0 AND y >= 0
      AND (x >> ${LEVEL_DIFFERENCE}) < 4294967296 AND (y >> ${LEVEL_DIFFERENCE}) < 4294967296
    ORDER BY feature, timestamp, z, tile_x, tile_y, bin`
}

/** Subtiles that one task makes tiles of, about; timestamps stay whole. */
const SLICE_SUBTILES = 10_000

/** Numbers the timestamps of a table of subtiles into slices of about equal size, and sorts by them. */
export function sliceSubtiles(subtiles: string): string {
  return `SELECT s.*, t.slice FROM ${subtiles} s JOIN (
      SELECT feature, timestamp, CAST(floor((sum(count(*)) OVER (ORDER BY feature, timestamp
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - count(*)) / ${SLICE_SUBTILES}) AS INTEGER) AS slice
      FROM ${subtiles} GROUP BY feature, timestamp
    ) t USING (feature, timestamp) ORDER BY slice, feature, timestamp, x, y`
}

/** Zooms of subtiles, finest first. */
export const ZOOMS: readonly number[] = Array.from({ length: FINEST - COARSEST + 1 }, (_, index) => FINEST - index)

/** Slices larger than this, because a timestamp is, are made into tiles zoom by zoom, and in strips of this size. */
const LARGE_SLICE = 40_000
/** Subtiles of a strip, about; they have to fit in the memory of a task. */
const STRIP_SUBTILES = 500_000

/** What one task makes of a slice: some zooms, and of large slices a strip from north to south. */
export interface Cut {
  /** Zooms of subtiles. */
  readonly zooms: readonly number[]
  /** The strip: number and count of strips that the map is cut into. */
  readonly strip: readonly [number: number, of: number]
}

/** Cuts a slice into what fits in memory. */
export function cutSlice(subtiles: number): Cut[] {
  if (subtiles <= LARGE_SLICE) return [{ zooms: ZOOMS, strip: [0, 1] }]
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, subtiles / STRIP_SUBTILES)))
  return ZOOMS.flatMap((zoom) => {
    // A strip holds whole tiles, of which a zoom has 2 ** (zoom - 6) side by side.
    const strips = Math.min(wanted, 2 ** (zoom - LEVEL_DIFFERENCE))
    return Array.from({ length: strips }, (_, strip): Cut => ({ zooms: [zoom], strip: [strip, strips] }))
  })
}

/** SQL for subtiles in a strip. What lies beyond the edges of the map belongs to the outermost strips. */
export function inStrip([number, of]: Cut['strip']): string {
  const edge = (strip: number): number => (2 ** FINEST / of) * strip
  const from = number === 0 ? [] : [`x >= ${edge(number)}`]
  const to = number === of - 1 ? [] : [`x < ${edge(number + 1)}`]
  return [...from, ...to].join(' AND ') || 'true'
}
