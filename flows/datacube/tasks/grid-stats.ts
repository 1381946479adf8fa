import { skip, task } from '@millrace/sdk'
import { writeCsvFiles } from '../csv-files.ts'
import type { OutputJob } from '../job.ts'
import { outputPath } from '../output-path.ts'
import type { Written } from '../output-writer.ts'
import { featureNumbered, scratchFile, type Unit } from '../plan.ts'
import { parquet } from '../sql/quote.ts'
import { GRID_COLUMNS, gridStatistics, ZOOMS } from '../sql/subtiles.ts'
import { atOutput } from '../workbench.ts'
import type { Subtiles } from './subtile-aggregation.ts'

/** Subtiles that are gone through at once, about. */
const SUBTILES_AT_ONCE = 40_000

/** Writes the smallest and largest map cell of each zoom, for each timestamp. */
export const computeStats = task(
  'compute_stats',
  async (subtiles: Subtiles | Unit, job: OutputJob): Promise<Written | undefined> => {
    if (!('slices' in subtiles)) return skip(subtiles.skip ?? 'there are no map cells')
    const { unit } = subtiles
    return atOutput(job, async ({ db, scratch, writer }) => {
      const source = parquet([await scratch.read(scratchFile.subtiles(unit))])
      for (const { from, to, count } of rangesOf(subtiles.slices)) {
        const some = `(FROM ${source} WHERE slice BETWEEN ${from} AND ${to})`
        for (const [index, zooms] of zoomsOf(count).entries()) {
          const start = index === 0 ? 'CREATE OR REPLACE TEMP TABLE grid AS' : 'INSERT INTO grid'
          await db.run(`${start} ${gridStatistics(some, zooms)}`)
        }
        await writeCsvFiles(db, writer, {
          sql: 'FROM grid',
          keys: ['feature', 'timestamp'],
          text: [],
          numbers: ['zoom', ...GRID_COLUMNS],
          order: ['zoom'],
          path: ([feature, timestamp]) =>
            outputPath([unit.resolution, featureNumbered(unit, feature), 'stats', 'grid', String(timestamp)], '.csv'),
        })
      }
    })
  },
)

interface Range {
  readonly from: number
  to: number
  count: number
}

/** Puts small slices together. A timestamp is in one slice only. */
function rangesOf(slices: Subtiles['slices']): Range[] {
  const ranges: Range[] = []
  for (const [slice, subtiles] of slices) {
    const last = ranges.at(-1)
    if (last && last.count + subtiles <= SUBTILES_AT_ONCE) {
      last.to = slice
      last.count += subtiles
    } else ranges.push({ from: slice, to: slice, count: subtiles })
  }
  return ranges
}

/** All zooms together for few subtiles, one by one for many. */
function zoomsOf(subtiles: number): (readonly number[])[] {
  return subtiles <= SUBTILES_AT_ONCE ? [ZOOMS] : ZOOMS.map((zoom) => [zoom])
}
