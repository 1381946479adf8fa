import { skip, task } from '@millrace/sdk'
import { writeCsvFiles } from '../csv-files.ts'
import { levelsByName } from '../frame.ts'
import type { OutputJob } from '../job.ts'
import { outputPath } from '../output-path.ts'
import type { Written } from '../output-writer.ts'
import type { Unit } from '../plan.ts'
import { featuresSplitBy } from '../qualifiers.ts'
import { isIn } from '../sql/quote.ts'
import { aggregateColumns, regionId, spatialAggregate } from '../sql/spatial.ts'
import { atOutput } from '../workbench.ts'
import { aggregateOf } from './aggregate-files.ts'

/** Writes a time series for each region, and for each region and qualifier value at the larger levels. */
export const computeRegionalTimeseries = task(
  'compute_regional_timeseries',
  async (unit: Unit, job: OutputJob): Promise<Written | undefined> => {
    if (unit.skip) return skip(unit.skip)
    return atOutput(job, async ({ db, scratch, writer }) => {
      const columns = aggregateColumns(job.shape.weighted)
      const layout = { text: [], numbers: ['timestamp', ...columns], order: ['timestamp'] }
      const source = await aggregateOf(scratch, unit)
      for (const [depth, level] of levelsByName(job.shape.regions).entries()) {
        const folder = (feature: string): string[] => [unit.resolution, feature, 'regional', level.name, 'timeseries']
        const keys = ['feature', `${regionId(level)} AS region_id`, 'timestamp']
        await writeCsvFiles(db, writer, {
          sql: spatialAggregate(source, keys, columns),
          keys: ['feature', 'region_id'],
          ...layout,
          path: ([feature, region]) => outputPath([...folder(String(feature)), 'default', String(region)], '.csv'),
        })
        if (depth > job.thresholds.regional_timeseries_max_level) continue
        for (const index of job.keptQualifiers) {
          const name = job.shape.qualifiers[index] ?? ''
          const features = featuresSplitBy(job.regionalQualifierMap, name, unit.features)
          if (features.length === 0) continue
          const some = `(FROM ${source} WHERE ${isIn('feature', features)})`
          const splitKeys = ['feature', `q${index} AS value`, ...keys.slice(1)]
          await writeCsvFiles(db, writer, {
            sql: spatialAggregate(some, splitKeys, columns),
            keys: ['feature', 'value', 'region_id'],
            ...layout,
            path: ([feature, value, region]) =>
              outputPath([...folder(String(feature)), 'qualifiers', name, String(value), String(region)], '.csv'),
          })
        }
      }
    })
  },
)
