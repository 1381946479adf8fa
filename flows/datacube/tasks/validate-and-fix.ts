import { task } from '@millrace/sdk'
import type { Frame } from '../frame.ts'
import { type Piece, scratchFile } from '../plan.ts'
import { parquet } from '../sql/quote.ts'
import { cleanRows } from '../sql/rows.ts'
import { partialAggregate } from '../sql/temporal.ts'
import { unreadable } from '../unreadable.ts'
import { atBench } from '../workbench.ts'
import { localRows } from './local-rows.ts'

/** How many cells of the aggregate each feature has, where that is many. */
export type LargeFeatures = readonly (readonly [feature: string, cells: number])[]

/** Fewer are not worth being told about. */
const MANY_CELLS = 1000

/**
 * Cleans one piece of the input and keeps what later stages need of it: its part of the monthly aggregate,
 * and the values its qualifiers have. From here on nothing reads the input but {@link saveRawData}.
 */
export const validateAndFix = task(
  'validate_and_fix',
  (piece: Piece, job: { scratch: string; frame: Frame }): Promise<LargeFeatures> =>
    atBench(job.scratch, async ({ db, scratch }) => {
      const { frame } = job
      const file = frame.files[piece.file]
      if (!file) throw new Error(`there is no input file ${piece.file}`)
      const [rows] = await localRows(scratch, [file])
      if (!rows) throw new Error(`there is no input file ${piece.file}`)
      const clean = cleanRows(frame, [{ ...rows, from: piece.from, to: piece.to }])
      try {
        const partial = partialAggregate(frame, clean)
        await scratch.write(scratchFile.partial(piece.index), (path) => db.write(partial, path))
        const source = parquet([await scratch.read(scratchFile.partial(piece.index))])
        const large = await db.rows(
          `SELECT feature, count(*) FROM ${source} GROUP BY ALL HAVING count(*) > ${MANY_CELLS} ORDER BY ALL`,
        )
        const features = large.map(([feature, cells]) => [String(feature), Number(cells)] as const)
        if (frame.qualifiers.length === 0) return features
        const categories = frame.qualifiers.map(
          (_, index) => `SELECT DISTINCT feature, ${index} AS qualifier, q${index} AS value FROM ${source}`,
        )
        await scratch.write(scratchFile.categories(piece.index), (path) =>
          db.write(`${categories.join(' UNION ALL ')} ORDER BY feature`, path),
        )
        return features
      } catch (error) {
        throw unreadable(file.name, rows.path, error)
      }
    }),
)
