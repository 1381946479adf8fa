import { progress } from '@millrace/sdk'
import { csvLine } from './csv.ts'
import { type Cell, cellOf, type Database } from './duckdb.ts'
import type { OutputWriter } from './output-writer.ts'
import { type CsvLayout, csvColumns, csvLines } from './sql/csv.ts'

/** A query, and how its rows become CSV files. */
export interface CsvFiles extends CsvLayout {
  readonly sql: string
  /** Path of a file, from its keys. */
  path(keys: readonly Cell[]): string
}

/**
 * Runs the query and writes its files, with one of them in memory at a time. DuckDB makes the lines, which is many times
 * faster than cell by cell, but does not join them: its string_agg keeps all files in memory.
 */
export async function writeCsvFiles(db: Database, writer: OutputWriter, files: CsvFiles): Promise<void> {
  const header = csvLine(csvColumns(files))
  let current: Cell | undefined
  let path = ''
  let text = header
  for await (const { columns, rowCount } of db.chunks(csvLines(files.sql, files))) {
    const [number, ...rest] = columns
    const keys = rest.slice(0, -1)
    const line = rest.at(-1)
    if (!number || !line) break
    for (let row = 0; row < rowCount; row++) {
      const file = cellOf(number, row)
      if (file !== current) {
        if (current !== undefined) writer.add(path, text)
        current = file
        path = files.path(keys.map((column) => cellOf(column, row)))
        text = header
      }
      text += line.getItem(row)
    }
    await writer.drain()
    progress(writer.written.files, undefined, 'files')
  }
  if (current !== undefined) writer.add(path, text)
  await writer.drain()
}
