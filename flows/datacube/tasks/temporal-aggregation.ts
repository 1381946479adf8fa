import { task } from '@millrace/sdk'
import type { OutputJob } from '../job.ts'
import { type PartUnit, scratchFile } from '../plan.ts'
import { temporalAggregate } from '../sql/temporal.ts'
import { atBench } from '../workbench.ts'

/** Puts the pieces together: (a part of) the aggregate in time of some features, at one resolution. */
export const temporalAggregation = task(
  'temporal_aggregation',
  (unit: PartUnit, job: OutputJob): Promise<void> =>
    atBench(job.scratch, async ({ db, scratch }) => {
      const partials: string[] = []
      for (let piece = 0; piece < job.pieces; piece++) partials.push(await scratch.read(scratchFile.partial(piece)))
      const sql = temporalAggregate(job.shape, partials, unit.features, unit.resolution, unit.part)
      await scratch.write(scratchFile.aggregate(unit, unit.part.number), (path) => db.write(sql, path))
    }),
)
