import { createReadStream, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { store, task } from '@millrace/sdk'
import { FORMATS, withoutEnding } from './formats.ts'

const SQL = readFileSync(new URL('./clean.sql', import.meta.url), 'utf8')

export interface Places {
  readonly source: string
  readonly sink: string
  readonly format: 'csv' | 'parquet'
}

/** What became of one object. */
export interface Cleaned {
  readonly input: string
  readonly output: string
  /** Rows. */
  readonly read: number
  readonly written: number
}

/** Cleans one object by `clean.sql`. Nothing of it is in memory as a whole. */
export const clean = task(
  'clean',
  { retries: 2, retryDelay: '5 seconds', timeout: '1 hour' },
  async (input: string, { source, sink, format }: Places): Promise<Cleaned> => {
    const output = `${withoutEnding(input)}.${format}`
    const folder = await mkdtemp(join(tmpdir(), 'my-flow-'))
    try {
      const from = join(folder, `input${FORMATS.exec(input)?.[0] ?? ''}`)
      const to = join(folder, 'output')
      await writeFile(from, store(source).stream(input))
      const rows = await transform(from, to, format, folder).catch((error: Error) => {
        throw new Error(`cannot clean ${input} of ${source}: ${error.message}`, { cause: error })
      })
      await store(sink).write(output, createReadStream(to))
      return { input, output, ...rows }
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)

/** @returns how many rows were read and written */
async function transform(
  from: string,
  to: string,
  format: Places['format'],
  folder: string,
): Promise<Pick<Cleaned, 'read' | 'written'>> {
  // What does not fit in memory goes to disk.
  const database = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: '500MB',
    temp_directory: folder,
  })
  const connection = await database.connect()
  try {
    await connection.run(`CREATE VIEW input AS FROM ${quoted(from)}`)
    await connection.run(`CREATE VIEW output AS ${SQL}`)
    const { rowsChanged } = await connection.run(`COPY (FROM output) TO ${quoted(to)} (FORMAT ${format})`)
    return { read: await countRows(connection, 'input'), written: rowsChanged }
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

async function countRows(connection: DuckDBConnection, table: string): Promise<number> {
  const [row] = (await connection.runAndReadAll(`SELECT count(*) FROM ${table}`)).getRows()
  return Number(row?.[0])
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
