import { task } from '@millrace/sdk'
import { levelsByPosition } from '../frame.ts'
import type { Job } from '../job.ts'
import { outputPath } from '../output-path.ts'
import type { Written } from '../output-writer.ts'
import type { QualifierThresholds } from '../params.ts'
import { type FeatureGroup, scratchFile } from '../plan.ts'
import type { Scratch } from '../scratch.ts'
import { isIn, parquet } from '../sql/quote.ts'
import { regionId } from '../sql/spatial.ts'
import { atOutput } from '../workbench.ts'

/** Ids of all regions of a feature, by level. */
type RegionLists = Record<string, string[]>

/** Writes which regions each feature has, also those whose rows have no coordinates. */
export const recordRegionLists = task(
  'record_region_lists',
  (group: FeatureGroup, job: Job): Promise<Written> =>
    atOutput(job, async ({ db, scratch, writer }) => {
      const levels = levelsByPosition(job.shape.regions)
      const source = parquet(await pieces(scratch, scratchFile.partial, job.pieces))
      const lists = new Map<string, RegionLists>()
      for (const level of levels) {
        const sql = `SELECT DISTINCT feature, ${regionId(level)} AS id FROM ${source}
          WHERE ${isIn('feature', group.features)} ORDER BY feature, id`
        for (const [feature, id] of await db.rows(sql)) {
          const list = lists.get(String(feature)) ?? { country: [], admin1: [], admin2: [], admin3: [] }
          lists.set(String(feature), list)
          list[level.name]?.push(String(id))
        }
      }
      for (const [feature, list] of lists) {
        writer.add(outputPath(['raw', feature, 'info', 'region_lists'], '.json'), JSON.stringify(list))
      }
    }),
)

/** How many values each qualifier has, by feature. */
export interface QualifierLists {
  readonly written: Written
  readonly counts: readonly (readonly [feature: string, counts: Readonly<Record<string, number>>])[]
}

/** Writes which values each qualifier has in each feature, and counts them. */
export const recordQualifierLists = task(
  'record_qualifier_lists',
  async (group: FeatureGroup, job: Job, thresholds: QualifierThresholds): Promise<QualifierLists> => {
    const counts: [string, Record<string, number>][] = []
    const written = await atOutput(job, async ({ db, scratch, writer }) => {
      const { qualifiers } = job.shape
      const where = isIn('feature', group.features)
      const cleaned = parquet(await pieces(scratch, scratchFile.partial, job.pieces))
      const features = await db.rows(`SELECT DISTINCT feature FROM ${cleaned} WHERE ${where} ORDER BY feature`)
      const values = new Map(features.map(([feature]) => [String(feature), qualifiers.map((): string[] => [])]))
      if (qualifiers.length > 0) {
        const categories = parquet(await pieces(scratch, scratchFile.categories, job.pieces))
        const sql = `SELECT DISTINCT feature, qualifier, value FROM ${categories} WHERE ${where} ORDER BY ALL`
        for (const [feature, qualifier, value] of await db.rows(sql)) {
          values.get(String(feature))?.[Number(qualifier)]?.push(String(value))
        }
      }
      for (const [feature, lists] of values) {
        const folder = ['raw', feature, 'info']
        const count: Record<string, number> = {}
        for (const [index, qualifier] of qualifiers.entries()) {
          count[qualifier] = lists[index]?.length ?? 0
          writer.add(outputPath([...folder, 'qualifiers', qualifier], '.json'), JSON.stringify(lists[index]))
        }
        writer.add(outputPath([...folder, 'qualifier_counts'], '.json'), JSON.stringify({ thresholds, counts: count }))
        counts.push([feature, count])
        await writer.drain()
      }
    })
    return { written, counts }
  },
)

function pieces(scratch: Scratch, file: (piece: number) => string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, piece) => scratch.read(file(piece))))
}
