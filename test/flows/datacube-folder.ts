import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { onTestFinished } from 'vitest'

/** A temporary folder, for input, output and scratch of one test. */
export interface TestFolder {
  readonly path: string
  /** What was written below the bucket. */
  readonly out: string
  /** The bucket, as parameters. */
  readonly buckets: { readonly model_bucket: string; readonly indicator_bucket: string }
  /** Writes a parquet file of a query's rows. @returns its path */
  parquet(name: string, sql: string, options?: string): Promise<string>
}

/** Makes a folder that is gone when the test ends, and has the flow keep its scratch data there. */
export function testFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'datacube-test-'))
  const scratch = process.env.MILLRACE_SCRATCH
  process.env.MILLRACE_SCRATCH = `file://${path}/scratch`
  onTestFinished(() => {
    if (scratch === undefined) delete process.env.MILLRACE_SCRATCH
    else process.env.MILLRACE_SCRATCH = scratch
    rmSync(path, { recursive: true, force: true })
  })
  const out = join(path, 'out')
  const bucket = `file://${out}`
  mkdirSync(join(path, 'in'))
  return {
    path,
    out,
    buckets: { model_bucket: bucket, indicator_bucket: bucket },
    async parquet(name, sql, options = '') {
      const file = join(path, 'in', name)
      const instance = await DuckDBInstance.create(':memory:')
      const connection = await instance.connect()
      await connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet${options && `, ${options}`})`)
      connection.closeSync()
      instance.closeSync()
      return file
    },
  }
}

/** A query for rows with all columns the flow knows, numbered `i`, with some columns replaced. */
export function someRows(count: number, columns: Record<string, string> = {}): string {
  const all: Record<string, string> = {
    timestamp: '1577836800000 + i * 86400000',
    country: "'Avalon'",
    admin1: "'North'",
    admin2: "'Hills'",
    admin3: "'Town ' || (i % 3)",
    lat: '10.0 + i % 3',
    lng: '20.0 + i % 3',
    feature: "'rain'",
    value: 'CAST(i AS DOUBLE)',
    ...columns,
  }
  const select = Object.entries(all).filter(([, sql]) => sql !== '')
  return `SELECT ${select.map(([name, sql]) => `${sql} AS "${name}"`).join(', ')} FROM range(${count}) t(i)`
}
