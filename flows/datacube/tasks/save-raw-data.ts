import { task } from '@millrace/sdk'
import { csvLine } from '../csv.ts'
import { writeCsvFiles } from '../csv-files.ts'
import { cellOf, type Database } from '../duckdb.ts'
import type { Frame } from '../frame.ts'
import { outputPath } from '../output-path.ts'
import type { Output, Written } from '../output-writer.ts'
import type { RawUnit } from '../plan.ts'
import { ident, isIn } from '../sql/quote.ts'
import { type FileRows, rawRows } from '../sql/rows.ts'
import { atOutput } from '../workbench.ts'
import { localRows } from './local-rows.ts'

/** A file with more rows than this is written piece by piece. */
const LARGE = 100_000

/** Writes the rows of small features as they are in the input. */
export const saveRawData = task(
  'save_raw_data',
  (unit: RawUnit, job: { scratch: string; output: Output; frame: Frame }): Promise<Written> =>
    atOutput(job, async ({ db, scratch, writer }) => {
      const { frame } = job
      const rows = await localRows(scratch, frame.files)
      const header = frame.columns.filter((name) => name !== 'feature')
      const path = (feature: string): string => outputPath(['raw', feature, 'raw', 'raw'], '.csv')
      if (unit.rows > LARGE) {
        for (const feature of unit.features) {
          const sql = `${rawOf(frame, rows, [feature], header)} ORDER BY "#file", "#row"`
          await writer.stream(path(feature), rawText(db, header, sql))
        }
        return
      }
      await writeCsvFiles(db, writer, {
        sql: rawOf(frame, rows, unit.features, header),
        keys: ['#feature'],
        text: header,
        numbers: [],
        order: ['#file', '#row'],
        path: ([feature]) => path(String(feature)),
      })
    }),
)

function rawOf(
  frame: Frame,
  rows: readonly FileRows[],
  features: readonly string[],
  header: readonly string[],
): string {
  return `SELECT ${['#feature', '#file', '#row', ...header].map(ident).join(', ')} FROM (${rawRows(frame, rows)})
    WHERE ${isIn('"#feature"', features)}`
}

async function* rawText(db: Database, header: readonly string[], sql: string): AsyncGenerator<string> {
  yield csvLine(header)
  for await (const { columns, rowCount } of db.chunks(sql)) {
    const cells = columns.slice(3)
    let text = ''
    for (let row = 0; row < rowCount; row++) text += csvLine(cells.map((column) => cellOf(column, row)))
    yield text
  }
}
