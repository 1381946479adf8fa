import { skip, task } from '@millrace/sdk'
import { csvLine } from '../csv.ts'
import { writeCsvFiles } from '../csv-files.ts'
import { type Cell, cellOf, type Database } from '../duckdb.ts'
import type { OutputJob } from '../job.ts'
import { outputPath } from '../output-path.ts'
import type { OutputWriter, Written } from '../output-writer.ts'
import type { Unit } from '../plan.ts'
import { featuresSplitBy } from '../qualifiers.ts'
import { isIn } from '../sql/quote.ts'
import { aggregateColumns, spatialAggregate } from '../sql/spatial.ts'
import { atOutput } from '../workbench.ts'
import { aggregateOf } from './aggregate-files.ts'

export interface GlobalTimeseries {
  readonly written: Written
  /** How many timestamps each feature has. */
  readonly sizes: readonly (readonly [feature: string, timestamps: number])[]
  readonly resolution: Unit['resolution']
  /** First and last timestamp of all features; undefined where there are none. */
  readonly range: readonly [from: number, to: number] | undefined
}

/** Writes one time series for each feature, and one table for each qualifier and aggregate. */
export const computeGlobalTimeseries = task(
  'compute_global_timeseries',
  async (unit: Unit, job: OutputJob): Promise<GlobalTimeseries | undefined> => {
    if (unit.skip) return skip(unit.skip)
    let sizes: [string, number][] = []
    let range: [number, number] | undefined
    const written = await atOutput(job, async ({ db, scratch, writer }) => {
      const columns = aggregateColumns(job.shape.weighted)
      const source = await aggregateOf(scratch, unit)
      await db.run(`CREATE TEMP TABLE series AS ${spatialAggregate(source, ['feature', 'timestamp'], columns)}`)
      await writeCsvFiles(db, writer, {
        sql: 'FROM series',
        keys: ['feature'],
        text: [],
        numbers: ['timestamp', ...columns],
        order: ['timestamp'],
        path: ([feature]) => outputPath([unit.resolution, String(feature), 'timeseries', 'global', 'global'], '.csv'),
      })
      const counted = await db.rows(
        'SELECT feature, count(*), min(timestamp), max(timestamp) FROM series GROUP BY ALL ORDER BY ALL',
      )
      sizes = counted.map(([feature, count]) => [String(feature), Number(count)])
      if (counted.length > 0) {
        range = [Math.min(...counted.map((row) => Number(row[2]))), Math.max(...counted.map((row) => Number(row[3])))]
      }
      for (const index of job.keptQualifiers) {
        const name = job.shape.qualifiers[index] ?? ''
        for (const feature of featuresSplitBy(job.qualifierMap, name, unit.features)) {
          const some = `(FROM ${source} WHERE ${isIn('feature', [feature])})`
          const table = spatialAggregate(some, ['timestamp', `q${index} AS value`], columns)
          await db.run(`CREATE OR REPLACE TEMP TABLE split AS ${table}`)
          const folder = [unit.resolution, feature, 'timeseries', 'qualifiers', name]
          await writeWideTables(db, writer, columns, (column) => outputPath([...folder, column], '.csv'))
        }
      }
    })
    return { written, sizes, resolution: unit.resolution, range }
  },
)

/** One file for each aggregate: a row for each timestamp, a column for each value of the qualifier. */
async function writeWideTables(
  db: Database,
  writer: OutputWriter,
  columns: readonly string[],
  path: (column: string) => string,
): Promise<void> {
  const values = (await db.rows('SELECT DISTINCT value FROM split ORDER BY value')).map(([value]) => String(value))
  if (values.length === 0) return
  const positions = new Map(values.map((value, index) => [value, index + 1]))
  for (const column of columns) {
    let text = csvLine(['timestamp', ...values])
    let line: Cell[] = []
    const sql = `SELECT timestamp, value, ${column} FROM split ORDER BY timestamp, value`
    for await (const { columns: chunk, rowCount } of db.chunks(sql)) {
      for (let row = 0; row < rowCount; row++) {
        const [timestamp, value, cell] = chunk.map((one) => cellOf(one, row))
        if (line[0] !== timestamp) {
          if (line.length > 0) text += csvLine(line)
          line = [timestamp ?? null, ...values.map(() => null)]
        }
        line[positions.get(String(value)) ?? 0] = cell ?? null
      }
    }
    text += csvLine(line)
    writer.add(path(column), text)
    await writer.drain()
  }
}
