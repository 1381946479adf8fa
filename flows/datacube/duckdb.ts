import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { type DuckDBConnection, DuckDBInstance, type DuckDBVector } from '@duckdb/node-api'
import { abortSignal } from '@millrace/sdk'
import { literal } from './sql/quote.ts'

/** Memory of DuckDB in one task; what needs more goes to disk. */
const MEMORY = '160MB'

/** Rows; a multiple of DuckDB's 2048. */
const ROW_GROUP = 20_480

export type Cell = string | number | null

/** Some rows of a result. */
export interface Chunk {
  readonly columns: readonly DuckDBVector[]
  readonly rowCount: number
}

/** A database for one task: empty, in memory, one thread, so that equal input gives equal output. */
export class Database {
  private readonly connection: DuckDBConnection
  private readonly signal: AbortSignal

  constructor(connection: DuckDBConnection, signal: AbortSignal) {
    this.connection = connection
    this.signal = signal
  }

  async run(sql: string): Promise<void> {
    this.signal.throwIfAborted()
    await this.connection.run(sql)
  }

  /** All rows of a small result. */
  async rows(sql: string): Promise<Cell[][]> {
    const all: Cell[][] = []
    for await (const { columns, rowCount } of this.chunks(sql)) {
      for (let row = 0; row < rowCount; row++) all.push(columns.map((column) => cellOf(column, row)))
    }
    return all
  }

  /** A result of any size, some rows at a time; the next are computed while these are used. */
  async *chunks(sql: string): AsyncGenerator<Chunk> {
    this.signal.throwIfAborted()
    const result = await this.connection.stream(sql)
    let next = result.fetchChunk()
    for (;;) {
      const chunk = await next
      const rowCount = chunk?.rowCount ?? 0
      if (!chunk || rowCount === 0) return
      this.signal.throwIfAborted()
      next = result.fetchChunk()
      next.catch(() => {})
      yield {
        rowCount,
        columns: Array.from({ length: chunk.columnCount }, (_, column) => chunk.getColumnVector(column)),
      }
    }
  }

  /** Writes a result as a parquet file, in row groups small enough that readers of a part skip the rest. */
  async write(sql: string, file: string): Promise<void> {
    await this.run(`COPY (${sql}) TO ${literal(file)} (FORMAT parquet, ROW_GROUP_SIZE ${ROW_GROUP})`)
  }
}

/** One cell of a column; whole numbers of any width become numbers. */
export function cellOf(column: DuckDBVector, row: number): Cell {
  const value = column.getItem(row)
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' || typeof value === 'number' || value === null ? value : String(value)
}

let open: { folder: string; instance: Promise<DuckDBInstance> } | undefined
let last: Promise<unknown> = Promise.resolve()

/**
 * Runs `body` with a database. There is one instance per thread, kept for the next task; where tasks share a thread they
 * take turns, for the memory is one task's.
 * @param spill folder for what does not fit in memory
 */
export function withDatabase<T>(spill: string, body: (db: Database) => Promise<T>): Promise<T> {
  const turn = last.then(() => connected(join(spill, `duckdb-${process.pid}-${threadId}`), body))
  last = turn.catch(() => {})
  return turn
}

async function connected<T>(folder: string, body: (db: Database) => Promise<T>): Promise<T> {
  if (open?.folder !== folder) {
    open?.instance.then((instance) => instance.closeSync()).catch(() => {})
    open = { folder, instance: createInstance(folder) }
  }
  const connection = await (await open.instance).connect()
  const signal = abortSignal()
  const interrupt = (): void => connection.interrupt()
  signal.addEventListener('abort', interrupt)
  try {
    return await body(new Database(connection, signal))
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', interrupt)
    connection.closeSync()
  }
}

function createInstance(folder: string): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: MEMORY,
    temp_directory: folder,
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
}
