import { task } from '@millrace/sdk'
import type { OutputJob } from '../job.ts'
import type { Unit } from '../plan.ts'
import { spatialAggregate, summaryColumns } from '../sql/spatial.ts'
import { atBench } from '../workbench.ts'
import { aggregateOf } from './aggregate-files.ts'

/** Aggregates of one feature over all time, by column; null where there is no number. */
export type SummaryValues = Readonly<Record<string, string | number | null>>

/** Decimals of the summary. */
const DECIMALS = 10

/** Aggregates over all time, for results.json. */
export const computeOutputSummary = task(
  'compute_output_summary',
  (unit: Unit, job: OutputJob): Promise<SummaryValues[]> =>
    atBench(job.scratch, async ({ db, scratch }) => {
      const columns = summaryColumns(job.shape.weighted)
      const source = await aggregateOf(scratch, unit)
      const rows = await db.rows(`${spatialAggregate(source, ['feature'], columns)} ORDER BY feature`)
      return rows.map(([feature, ...values]) => ({
        name: String(feature),
        ...Object.fromEntries(columns.map((column, index) => [column, rounded(values[index])])),
      }))
    }),
)

function rounded(value: string | number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? Number(value.toFixed(DECIMALS)) : null
}
