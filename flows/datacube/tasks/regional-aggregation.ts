import { skip, task } from '@millrace/sdk'
import { writeCsvFiles } from '../csv-files.ts'
import { levelsByPosition } from '../frame.ts'
import type { OutputJob } from '../job.ts'
import { outputPath } from '../output-path.ts'
import type { Written } from '../output-writer.ts'
import type { Unit } from '../plan.ts'
import { featuresSplitBy } from '../qualifiers.ts'
import { isIn } from '../sql/quote.ts'
import { aggregateColumns, regionId, spatialAggregate } from '../sql/spatial.ts'
import { atOutput } from '../workbench.ts'
import { aggregateOf } from './aggregate-files.ts'

/** Writes a table of all regions for each timestamp, and one for each qualifier. */
export const computeRegionalAggregation = task(
  'compute_regional_aggregation',
  async (unit: Unit, job: OutputJob): Promise<Written | undefined> => {
    if (unit.skip) return skip(unit.skip)
    return atOutput(job, async ({ db, scratch, writer }) => {
      const columns = aggregateColumns(job.shape.weighted)
      const source = await aggregateOf(scratch, unit)
      for (const level of levelsByPosition(job.shape.regions)) {
        const folder = (feature: unknown, timestamp: unknown): string[] => [
          unit.resolution,
          String(feature),
          'regional',
          level.name,
          'aggs',
          String(timestamp),
        ]
        const keys = ['feature', 'timestamp', `${regionId(level)} AS id`]
        await writeCsvFiles(db, writer, {
          sql: spatialAggregate(source, keys, columns),
          keys: ['feature', 'timestamp'],
          text: ['id'],
          numbers: columns,
          order: ['id'],
          path: ([feature, timestamp]) => outputPath([...folder(feature, timestamp), 'default', 'default'], '.csv'),
        })
        for (const index of job.keptQualifiers) {
          const name = job.shape.qualifiers[index] ?? ''
          const features = featuresSplitBy(job.qualifierMap, name, unit.features)
          if (features.length === 0) continue
          const some = `(FROM ${source} WHERE ${isIn('feature', features)})`
          await writeCsvFiles(db, writer, {
            sql: spatialAggregate(some, [...keys, `q${index} AS qualifier`], columns),
            keys: ['feature', 'timestamp'],
            text: ['id', 'qualifier'],
            numbers: columns,
            order: ['id', 'qualifier'],
            path: ([feature, timestamp]) => outputPath([...folder(feature, timestamp), 'qualifiers', name], '.csv'),
          })
        }
      }
    })
  },
)
