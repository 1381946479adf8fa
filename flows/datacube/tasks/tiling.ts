import type { DuckDBVector } from '@duckdb/node-api'
import { progress, skip, task } from '@millrace/sdk'
import type { OutputJob } from '../job.ts'
import { outputPath } from '../output-path.ts'
import type { OutputWriter, Written } from '../output-writer.ts'
import { featureNumbered, scratchFile, type Unit } from '../plan.ts'
import { parquet } from '../sql/quote.ts'
import { inStrip, tileBins } from '../sql/subtiles.ts'
import { TileEncoder } from '../tiles/encode-tile.ts'
import { atOutput } from '../workbench.ts'
import type { TileUnit } from './subtile-aggregation.ts'

/** Writes map tiles: one file for each feature, timestamp, zoom and place that has data. */
export const computeTiling = task(
  'compute_tiling',
  async (unit: TileUnit | Unit, job: OutputJob): Promise<Written | undefined> => {
    if (unit.skip || !('slice' in unit)) return skip(unit.skip ?? 'there is nothing to make tiles of')
    return atOutput(job, async ({ db, scratch, writer }) => {
      const file = await scratch.read(scratchFile.subtiles(unit))
      await db.run(
        `CREATE TEMP TABLE slice AS SELECT * EXCLUDE (slice) FROM ${parquet([file])}
          WHERE slice = ${unit.slice} AND ${inStrip(unit.strip)}`,
      )
      const files = new TileFiles(unit, writer)
      for await (const { columns, rowCount } of db.chunks(tileBins('slice', unit.zooms))) {
        const [feature, timestamp, z, x, y, bin, sSumTSum, sSumTMean, weight] = columns.map(numbers)
        if (!feature || !timestamp || !z || !x || !y || !bin || !sSumTSum || !sSumTMean || !weight) return
        for (let row = 0; row < rowCount; row++) {
          files.at(feature(row), timestamp(row), z(row), x(row), y(row))
          files.encoder.bin(bin(row), sSumTSum(row), sSumTMean(row), weight(row))
        }
        await writer.drain()
        progress(writer.written.files, undefined, 'files')
      }
      files.end()
    })
  },
)

/** Reads a column of numbers that has no nulls. */
function numbers(column: DuckDBVector): (row: number) => number {
  return (row) => column.getItem(row) as number
}

/** Turns a stream of bins, those of one tile together, into files. */
class TileFiles {
  readonly encoder = new TileEncoder()
  private readonly unit: TileUnit
  private readonly writer: OutputWriter
  private folder = ''
  private feature = -1
  private timestamp = Number.NaN
  private z = 0
  private x = 0
  private y = 0

  constructor(unit: TileUnit, writer: OutputWriter) {
    this.unit = unit
    this.writer = writer
  }

  /** Moves on to a tile; the one before is then complete. */
  at(feature: number, timestamp: number, z: number, x: number, y: number): void {
    if (x === this.x && y === this.y && z === this.z && timestamp === this.timestamp && feature === this.feature) {
      return
    }
    this.end()
    if (feature !== this.feature) {
      this.folder = `${outputPath([this.unit.resolution, featureNumbered(this.unit, feature), 'tiles'])}/`
      this.feature = feature
    }
    this.timestamp = timestamp
    this.z = z
    this.x = x
    this.y = y
    this.encoder.start(z, x, y)
  }

  end(): void {
    if (Number.isNaN(this.timestamp)) return
    this.writer.add(`${this.folder}${this.timestamp}-${this.z}-${this.x}-${this.y}.tile`, this.encoder.finish())
  }
}
