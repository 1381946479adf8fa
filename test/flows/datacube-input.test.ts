import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type LogEntry, UserError, withScope } from '@millrace/sdk'
import { describe, expect, it, onTestFinished } from 'vitest'
import datacube, { type DatacubeSummary } from '../../flows/datacube/flow.ts'
import { fakeS3 } from '../fakes/s3.ts'
import { filesBelow } from '../golden/compare.ts'
import { someRows, type TestFolder, testFolder } from './datacube-folder.ts'

type Given = Parameters<typeof datacube>[0]

/** Runs the flow on files, for the model "m" and run "r". */
function run(folder: TestFolder, data_paths: string[], more: Partial<Given> = {}): Promise<DatacubeSummary> {
  return datacube({ model_id: 'm', run_id: 'r', data_paths, ...folder.buckets, ...more })
}

/** The message of the error a run ends with; nothing may be left in the output folder. */
async function failure(folder: TestFolder, data_paths: string[], more: Partial<Given> = {}): Promise<string> {
  const error: unknown = await run(folder, data_paths, more).then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(UserError)
  expect(filesBelow(folder.out)).toEqual([])
  return (error as UserError).message.replaceAll(folder.path, '')
}

describe('bad input ends in one line that names what is wrong', () => {
  it('no files', async () => {
    expect(await failure(testFolder(), [])).toBe('datacube: parameter data_paths: No parquet files provided')
  })

  it('only files of text', async () => {
    expect(await failure(testFolder(), ['a_str.parquet.gzip', 'b_str.1.parquet.gzip'])).toBe(
      'datacube: parameter data_paths: No numeric parquet files',
    )
  })

  it('a missing file', async () => {
    const folder = testFolder()
    expect(await failure(folder, [`${folder.path}/in/none.parquet`])).toBe(
      'datacube: /in/none.parquet: there is no such file',
    )
  })

  it('a folder in place of a file', async () => {
    const folder = testFolder()
    expect(await failure(folder, [`${folder.path}/in`])).toBe('datacube: /in: there is no such file')
  })

  it('a CSV file by the name of parquet', async () => {
    const folder = testFolder()
    const file = join(folder.path, 'in', 'data.parquet')
    writeFileSync(file, `timestamp,feature,value\n${'1577836800000,rain,1\n'.repeat(10)}`)
    expect(await failure(folder, [file])).toMatch(/^datacube: \/in\/data\.parquet: cannot be read as parquet: .+$/)
  })

  it('a parquet file that was cut off', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(1000))
    truncateSync(file, 3000)
    expect(await failure(folder, [file])).toMatch(/^datacube: \/in\/data\.parquet: cannot be read as parquet: .+$/)
  })

  it('a parquet file whose pages are damaged', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5000), 'COMPRESSION gzip')
    const bytes = readFileSync(file)
    bytes.fill(0xff, 200, 2000)
    writeFileSync(file, bytes)
    expect(await failure(folder, [file])).toMatch(/^datacube: \/in\/data\.parquet: cannot be read as parquet: .+$/)
  })

  it('an empty file', async () => {
    const folder = testFolder()
    const file = join(folder.path, 'in', 'data.parquet')
    writeFileSync(file, '')
    expect(await failure(folder, [file])).toMatch(/^datacube: \/in\/data\.parquet: cannot be read as parquet: .+$/)
  })

  it('a parquet file that is gzipped as a whole, with what to do', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(10))
    writeFileSync(file, gzipSync(readFileSync(file)))
    await expect(run(folder, [file])).rejects.toMatchObject({ hint: expect.stringContaining('unzip it') })
  })

  it.each(['timestamp', 'feature', 'value'])('no column "%s" in one of the files', async (column) => {
    const folder = testFolder()
    const good = await folder.parquet('good.parquet', someRows(5))
    const bad = await folder.parquet('bad.parquet', someRows(5, { [column]: '' }))
    expect(await failure(folder, [good, bad])).toBe(`datacube: /in/bad.parquet: column "${column}" is missing`)
  })

  it('a column in capitals, with what to do', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5, { value: '', Value: '1.0' }))
    await expect(run(folder, [file])).rejects.toMatchObject({
      message: expect.stringContaining('column "value" is missing'),
      hint: 'It has "Value": rename it, for upper and lower case differ.',
    })
  })

  it.each([
    ['value', 'CURRENT_DATE', 'is DATE, expected numbers'],
    ['value', "'many'", 'holds text that is not a number: "many"'],
    ['feature', '[1, 2]', 'is INTEGER[], expected text'],
    ['timestamp', "'yesterday'", 'holds text that is not a number: "yesterday"'],
    ['timestamp', 'true', 'is BOOLEAN, expected milliseconds since 1970'],
    ['lat', '{lat: 1}', 'is STRUCT(lat INTEGER), expected degrees'],
  ])('a column "%s" of %s', async (column, sql, message) => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5, { [column]: sql }))
    expect(await failure(folder, [file])).toBe(`datacube: /in/data.parquet: column "${column}" ${message}`)
  })

  it('no rows', async () => {
    const folder = testFolder()
    const files = [await folder.parquet('a.parquet', someRows(0)), await folder.parquet('b.parquet', someRows(0))]
    expect(await failure(folder, files)).toBe('datacube: /in/a.parquet, /in/b.parquet: there are no rows')
  })

  it('a bucket that is no URL, a scheme nobody knows', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5))
    expect(await failure(folder, [file], { model_bucket: 'out' })).toBe(
      'datacube: parameter model_bucket: store "out": expected a URL',
    )
    expect(await failure(folder, [file], { is_indicator: true, indicator_bucket: 'ftp://x/y' })).toContain(
      'datacube: parameter indicator_bucket: ',
    )
    expect(await failure(folder, ['hdfs://x/data.parquet'])).toBe(
      'datacube: parameter data_paths: hdfs://x/data.parquet: there are no hdfs: files',
    )
  })

  it('a weight that is one of the columns with a meaning', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5))
    expect(await failure(folder, [file], { weight_column: 'value' })).toBe(
      'datacube: parameter weight_column: "value" has another meaning: name an extra column',
    )
  })

  it('a server that does not have the file', async () => {
    const folder = testFolder()
    const url = await serveFiles({})
    expect(await failure(folder, [`${url}/none.parquet?signature=hush`])).toBe(
      `datacube: ${url}/none.parquet: cannot be downloaded: the server says 404 Not Found`,
    )
  })
})

describe('odd input is taken as it is meant', () => {
  it('warns of a weight column that is not there, and weights nothing', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5))
    const lines = await logLines(() => run(folder, [file], { weight_column: 'people' }))
    expect(lines).toContainEqual(expect.stringContaining('there is no column "people"'))
    expect(readResults(folder).data_info.has_weights).toBe(false)
  })

  it('counts rows that lack something, and says so', async () => {
    const folder = testFolder()
    const file = await folder.parquet(
      'data.parquet',
      someRows(10, {
        timestamp: 'CASE WHEN i = 0 THEN NULL WHEN i < 3 THEN 9300000000000 ELSE 1577836800000 END',
        value: "CASE WHEN i < 4 THEN NULL WHEN i = 4 THEN CAST('nan' AS DOUBLE) ELSE 1.0 END",
        feature: "CASE WHEN i < 9 THEN 'rain' END",
      }),
    )
    const lines = await logLines(() => run(folder, [file]))
    expect(lines.filter((line) => /^\d+ rows/.test(line)).map((line) => line.split(':')[0])).toEqual([
      '1 rows without a timestamp',
      '2 rows with a timestamp too far in the future',
      '5 rows without a value',
      '1 rows without a feature',
    ])
    expect(readResults(folder).data_info).toMatchObject({
      num_rows: 10,
      num_rows_per_feature: { rain: 9 },
      num_missing_ts: 1,
      num_invalid_ts: 2,
      num_missing_val: 5,
    })
  })

  it('calls a missing feature "None" where there are several files', async () => {
    const folder = testFolder()
    const named = await folder.parquet('a.parquet', someRows(2))
    const unnamed = await folder.parquet('b.parquet', someRows(3, { feature: 'CAST(NULL AS VARCHAR)' }))
    const summary = await run(folder, [named, unnamed])
    expect(summary.rowsPerFeature).toEqual({ rain: 2, None: 3 })
  })

  it('reads numbers that are written as text, and dates in place of milliseconds', async () => {
    const folder = testFolder()
    const file = await folder.parquet(
      'data.parquet',
      someRows(3, { value: "' ' || i || '.5'", timestamp: "TIMESTAMP '2020-02-03'", lat: "'10.5'", lng: "'east'" }),
    )
    const summary = await run(folder, [file])
    expect(summary).toMatchObject({ rows: 3, timeRange: null })
    expect(readFileSync(join(folder.out, 'm/r/raw/rain/raw/raw.csv'), 'utf8').split('\n')[1]).toBe(
      '2020-02-03 00:00:00,Avalon,North,Hills,Town 0,10.5,east, 0.5',
    )
  })

  it('does without coordinates and regions', async () => {
    const folder = testFolder()
    const none = { country: '', admin1: '', admin2: '', admin3: '', lat: '', lng: '' }
    await run(folder, [await folder.parquet('data.parquet', someRows(40, none))])
    expect(filesBelow(folder.out)).toEqual([
      'm/r/month/rain/timeseries/global/global.csv',
      'm/r/raw/rain/info/qualifier_counts.json',
      'm/r/raw/rain/raw/raw.csv',
      'm/r/results/results.json',
      'm/r/year/rain/timeseries/global/global.csv',
    ])
    expect(readFileSync(join(folder.out, 'm/r/month/rain/timeseries/global/global.csv'), 'utf8')).toBe(
      'timestamp,s_sum_t_sum,s_mean_t_sum,s_sum_t_mean,s_mean_t_mean,s_count\n' +
        '1577836800000,465.0,465.0,15.0,15.0,1\n1580515200000,315.0,315.0,35.0,35.0,1\n',
    )
  })

  it('drops columns that hold nothing but nulls or blanks, and keeps those with empty text', async () => {
    const folder = testFolder()
    const file = await folder.parquet(
      'data.parquet',
      someRows(5, {
        country: 'CAST(NULL AS VARCHAR)',
        admin1: "CASE WHEN i > 2 THEN '  ' END",
        empty: "''",
        blank: "' '",
      }),
    )
    await run(folder, [file])
    expect(readResults(folder).data_info.region_levels).toEqual(['admin2', 'admin3', 'grid data'])
    const levels = (kind: string): string[] =>
      filesBelow(join(folder.out, 'm/r/month/rain/regional'))
        .filter((path) => path.includes(`/${kind}/`))
        .map((path) => path.split('/')[0] ?? '')
    expect(new Set(levels('stats'))).toEqual(new Set(['country', 'admin1']))
    expect(new Set(levels('timeseries'))).toEqual(new Set(['admin2', 'admin3']))
    expect(filesBelow(join(folder.out, 'm/r/raw/rain/info/qualifiers'))).toEqual(['empty.json'])
    expect(readFileSync(join(folder.out, 'm/r/raw/rain/raw/raw.csv'), 'utf8')).toMatch(/^timestamp,country,admin1,/)
  })

  it('keeps values with commas, quotes, slashes and dots apart, and in the output folder', async () => {
    const folder = testFolder()
    const names = ["'a,b'", `'say "hi"'`, "'../../up'", "'a/b'", "'..'"]
    const file = await folder.parquet('data.parquet', someRows(5, { country: `[${names.join(', ')}][i + 1]` }))
    await run(folder, [file], {
      selected_output_tasks: ['compute_regional_timeseries', 'compute_regional_aggregation'],
    })
    const countries = filesBelow(join(folder.out, 'm/r/month/rain/regional/country/timeseries/default'))
    expect(countries).toEqual(['...csv', '%2E%2E/%2E%2E/up.csv', 'a,b.csv', 'a/b.csv', 'say "hi".csv'].sort())
    expect(filesBelow(folder.path).filter((path) => !path.startsWith('out/m/r/') && path.startsWith('out'))).toEqual([])
    const table = readFileSync(
      join(folder.out, 'm/r/month/rain/regional/country/aggs/1577836800000/default/default.csv'),
      'utf8',
    )
    expect(table).toContain('\n"a,b",0.0,')
    expect(table).toContain('\n"say ""hi""",1.0,')
  })

  it('reads a file whose name looks like a pattern', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5))
    const odd = join(folder.path, 'in', 'data[1]*.parquet')
    copyFileSync(file, odd)
    expect((await run(folder, [odd])).rows).toBe(5)
  })
})

describe('inputs from elsewhere', () => {
  it('downloads from a web server', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5))
    const url = await serveFiles({ '/data.parquet': readFileSync(file) })
    expect((await run(folder, [`${url}/data.parquet?signature=1`, `file://${file}`])).rows).toBe(10)
  })

  it('tries again when the server has a bad moment', async () => {
    const folder = testFolder()
    const bytes = readFileSync(await folder.parquet('data.parquet', someRows(5)))
    let asked = 0
    const url = await serveFiles({ '/data.parquet': () => (asked++ === 0 ? 503 : bytes) })
    await expect(run(folder, [`${url}/data.parquet`])).rejects.toThrow('the server says 503')
    // Outside a run nothing is retried; the task says how often the engine should.
    expect((await run(folder, [`${url}/data.parquet`])).rows).toBe(5)
  })

  it('reads s3: with the credentials of "source", that are never shown', async () => {
    const folder = testFolder()
    const s3 = await fakeS3(['data'], { accessKeyId: 'someone' })
    onTestFinished(() => s3.close())
    s3.objects('data').set('in/data.parquet', readFileSync(await folder.parquet('data.parquet', someRows(5))))
    process.env.DATACUBE_TEST_SECRET = 'open-sesame'
    onTestFinished(() => void delete process.env.DATACUBE_TEST_SECRET)
    const source = {
      endpoint_url: s3.endpoint,
      region_name: 'us-east-1',
      key: 'someone',
      secret: 'secret://datacube-test-secret',
    }
    const lines = await logLines(async () => {
      expect((await run(folder, ['s3://data/in/data.parquet'], { source })).rows).toBe(5)
    })
    expect(lines.join()).not.toContain('open-sesame')
    expect(await failure(testFolder(), ['s3://data/none.parquet'], { source })).toContain('none.parquet')
  })
})

function readResults(folder: TestFolder): { data_info: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(folder.out, 'm/r/results/results.json'), 'utf8'))
}

/** Runs `body` inside a scope that keeps its log lines. */
async function logLines(body: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = []
  const run = {
    id: 'none',
    flow: 'datacube',
    name: 'test',
    params: {},
    env: 'dev',
    attempt: 1,
    config: undefined,
    scratch: process.env.MILLRACE_SCRATCH ?? '',
  }
  const log = (entry: LogEntry): void => void lines.push(entry.message)
  await withScope({ run, signal: new AbortController().signal, log, progress: () => {} }, body)
  return lines
}

type Content = Uint8Array | (() => Uint8Array | number)

/** A web server with these files. @returns its URL */
async function serveFiles(files: Record<string, Content>): Promise<string> {
  const server: Server = createServer((request, response) => {
    const content = files[new URL(request.url ?? '', 'http://localhost').pathname]
    const answer = typeof content === 'function' ? content() : (content ?? 404)
    if (typeof answer === 'number') response.writeHead(answer).end()
    else response.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
