import { skip, task } from '@millrace/sdk'
import { levelsByPosition } from '../frame.ts'
import type { OutputJob } from '../job.ts'
import { outputPath } from '../output-path.ts'
import type { Written } from '../output-writer.ts'
import type { Unit } from '../plan.ts'
import { aggregateColumns, extrema, regionId, spatialAggregate } from '../sql/spatial.ts'
import { atOutput } from '../workbench.ts'
import { aggregateOf } from './aggregate-files.ts'

interface Extreme {
  readonly region_id: string
  readonly timestamp: number
  readonly value: number
}

/** Writes where and when each aggregate is smallest and largest, for each region level. */
export const computeRegionalStats = task(
  'compute_regional_stats',
  async (unit: Unit, job: OutputJob): Promise<Written | undefined> => {
    if (unit.skip) return skip(unit.skip)
    return atOutput(job, async ({ db, scratch, writer }) => {
      const columns = aggregateColumns(job.shape.weighted).filter((column) => column !== 's_count')
      const source = await aggregateOf(scratch, unit)
      for (const level of levelsByPosition(job.shape.regions)) {
        const keys = ['feature', `${regionId(level)} AS region_id`, 'timestamp']
        await db.run(`CREATE OR REPLACE TEMP TABLE regional AS ${spatialAggregate(source, keys, columns)}`)
        const features = await db.rows('SELECT DISTINCT feature FROM regional ORDER BY feature')
        const rows = await db.rows(extrema('regional', columns))
        const found = new Map(features.map(([feature]) => [String(feature), emptyExtrema(columns)]))
        for (const [feature, extreme, aggregate, region, timestamp, value] of rows) {
          found.get(String(feature))?.[extreme === 'min' ? 'min' : 'max'][String(aggregate)]?.push({
            region_id: String(region),
            timestamp: Number(timestamp),
            value: Number(value),
          })
        }
        for (const [feature, lists] of found) {
          const path = [unit.resolution, feature, 'regional', level.name, 'stats', 'default', 'extrema']
          writer.add(outputPath(path, '.json'), JSON.stringify(lists))
        }
        await writer.drain()
      }
    })
  },
)

function emptyExtrema(columns: readonly string[]): Record<'min' | 'max', Record<string, Extreme[]>> {
  const lists = (): Record<string, Extreme[]> => Object.fromEntries(columns.map((column) => [column, []]))
  return { min: lists(), max: lists() }
}
