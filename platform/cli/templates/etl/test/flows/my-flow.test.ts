import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clean } from '../../flows/my-flow/clean.ts'
import { extract } from '../../flows/my-flow/extract.ts'
import myFlow from '../../flows/my-flow/flow.ts'

const FLOW = new URL('../../flows/my-flow/', import.meta.url)
const FIXTURES = new URL('fixtures/data', FLOW).href

let folder: string
let source: string
let sink: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'my-flow-test-'))
  mkdirSync(join(folder, 'in'))
  source = pathToFileURL(join(folder, 'in')).href
  sink = pathToFileURL(join(folder, 'out')).href
})
afterEach(() => rmSync(folder, { recursive: true }))

const given = (name: string, text = ''): void => writeFileSync(join(folder, 'in', name), text)
const output = (name: string): string => readFileSync(join(folder, 'out', name), 'utf8')

describe('extract', () => {
  it('finds what it can read, and nothing else', async () => {
    for (const name of ['a.csv', 'b.jsonl', 'c.parquet', 'd.csv.gz', 'notes.txt', 'csv']) given(name)
    expect(await extract(source, '')).toEqual(['a.csv', 'b.jsonl', 'c.parquet', 'd.csv.gz'])
    expect(await extract(source, 'b')).toEqual(['b.jsonl'])
  })

  it('says so where there is nothing', async () => {
    await expect(extract(source, '2026/')).rejects.toThrow('no CSV, JSON or parquet object starts with "2026/"')
  })

  it('refuses two objects whose outputs would have one name', async () => {
    for (const name of ['a.csv', 'a.json']) given(name)
    await expect(extract(source, '')).rejects.toThrow('a.csv and a.json would be written to the same place')
  })
})

describe('clean', () => {
  it('keeps each order once, and none without a day or an amount', async () => {
    const cleaned = await clean('orders-2026-01.csv', { source: FIXTURES, sink, format: 'csv' })
    expect(cleaned).toEqual({ input: 'orders-2026-01.csv', output: 'orders-2026-01.csv', read: 6, written: 3 })
    expect(output('orders-2026-01.csv').split('\n')).toEqual([
      'id,day,shop,amount',
      '1001,2026-01-02,Harbour,19.90',
      '1002,2026-01-02,Old Town,5.00',
      '1005,2026-01-05,Station,120.00',
      '',
    ])
  })

  it('reads what it writes: parquet', async () => {
    await clean('orders-2026-02.json', { source: FIXTURES, sink, format: 'parquet' })
    const again = await clean('orders-2026-02.parquet', { source: sink, sink, format: 'csv' })
    expect(again).toMatchObject({ read: 2, written: 2 })
  })

  it('names the object that it cannot read', async () => {
    given('prices.csv', 'id,price\n1,2\n')
    await expect(clean('prices.csv', { source, sink, format: 'csv' })).rejects.toThrow(
      /^cannot clean prices\.csv of file:.*"day"/,
    )
  })
})

it('cleans all objects, and says what it did', async () => {
  expect(await myFlow({ source: FIXTURES, sink })).toEqual({ files: 2, read: 9, written: 5 })
  expect(JSON.parse(output('summary.json'))).toMatchObject({ read: 9, written: 5 })
  const database = await DuckDBInstance.create(':memory:')
  const connection = await database.connect()
  const sum = `SELECT CAST(sum(amount) AS DOUBLE) FROM '${join(folder, 'out')}/*.parquet'`
  expect((await connection.runAndReadAll(sum)).getRows()).toEqual([[188.45]])
})
