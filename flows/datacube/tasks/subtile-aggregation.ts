import { log, skip, task } from '@millrace/sdk'
import type { OutputJob } from '../job.ts'
import { scratchFile, type Unit } from '../plan.ts'
import { parquet } from '../sql/quote.ts'
import { type Cut, sliceSubtiles, subtileAggregate } from '../sql/subtiles.ts'
import { atBench } from '../workbench.ts'

/** A part of the subtiles of a unit, for one task that makes tiles of it. */
export interface TileUnit extends Unit, Cut {
  readonly slice: number
}

/** The subtiles of a unit, in slices that are made into tiles on their own. */
export interface Subtiles {
  readonly unit: Unit
  /** How many subtiles each slice has. */
  readonly slices: readonly (readonly [slice: number, subtiles: number])[]
}

/** Sums values in the finest map cells. Weights have no part in it. */
export const subtileAggregation = task(
  'subtile_aggregation',
  async (unit: Unit, job: OutputJob): Promise<Subtiles | undefined> => {
    if (unit.skip) return skip(unit.skip)
    return atBench(job.scratch, async ({ db, scratch }) => {
      for (let part = 0; part < unit.parts; part++) {
        const source = parquet([await scratch.read(scratchFile.aggregate(unit, part))])
        const start = part === 0 ? 'CREATE TEMP TABLE subtile AS' : 'INSERT INTO subtile'
        await db.run(`${start} ${subtileAggregate(source, unit.features)}`)
      }
      await scratch.write(scratchFile.subtiles(unit), (path) => db.write(sliceSubtiles('subtile'), path))
      const file = await scratch.read(scratchFile.subtiles(unit))
      const slices = await db.rows(
        `SELECT CAST(slice AS INTEGER), count(*) FROM ${parquet([file])} GROUP BY ALL ORDER BY ALL`,
      )
      log.debug('subtiles', { resolution: unit.resolution, slices: slices.length })
      return { unit, slices: slices.map(([slice, subtiles]) => [Number(slice), Number(subtiles)] as const) }
    })
  },
)
