import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { fetchToFile } from '../../../../platform/sdk/index.ts'
import { withScope } from '../../../../platform/sdk/scope.ts'
import { fakeGcs } from '../../../fakes/gcs.ts'
import type { ObjectStoreFake } from '../../../fakes/object-store.ts'
import { fakeS3 } from '../../../fakes/s3.ts'
import { type Answer, type Ask, type Served, serve } from '../../../fakes/serve.ts'
import { failureOf, mistakeOf } from '../failure.ts'
import { testScope } from '../scope.ts'

const ROWS = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `row ${index}\n`).join(''))
const quick = { retryDelay: 1 }

let base: string
let folder: string
let web: Served
let asked: Ask[]
let answer: (ask: Ask, time: number) => Answer
let count = 0
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'millrace-fetch-'))
  web = await serve((ask) => {
    asked.push(ask)
    return answer(ask, asked.length)
  })
})
afterAll(async () => {
  await web.close()
  await rm(base, { recursive: true })
})
beforeEach(() => {
  asked = []
  answer = () => ({ status: 200, body: ROWS })
  folder = join(base, String(++count))
})
afterEach(() => vi.unstubAllEnvs())

describe('a local input', () => {
  it('is left where it is, however it is written', async () => {
    const file = join(base, 'two words.parquet')
    await writeFile(file, 'rows')
    expect(await fetchToFile(file, folder)).toBe(file)
    expect(await fetchToFile(`file:${file}`, folder)).toBe(file)
    expect(await fetchToFile(`file://${file.replace(' ', '%20')}`, folder)).toBe(file)
    expect(await fetchToFile('package.json', folder)).toBe(join(process.cwd(), 'package.json'))
    expect(await readdir(base)).not.toContain(basename(folder))
  })

  it('that is not there is named, with the place it was looked for', async () => {
    expect(await mistakeOf(() => fetchToFile('none.parquet', folder))).toBe(
      `input none.parquet: there is no such file\nPaths are relative to ${process.cwd()}.`,
    )
    expect(await mistakeOf(() => fetchToFile(`file:${base}/a/b`, folder))).toContain('there is no such file')
    expect(await mistakeOf(() => fetchToFile(base, folder))).toBe(`input ${base}: is a folder, expected a file`)
  })
})

describe('an input on the web', () => {
  it('is streamed into the folder, under its own name and a hash of its address', async () => {
    const input = `${web.endpoint}/data/2026/water.parquet.gzip?version=3`
    const file = await fetchToFile(input, folder)
    const hash = createHash('sha256').update(input).digest('hex').slice(0, 12)
    expect(file).toBe(join(folder, `${hash}-water.parquet.gzip`))
    expect(await readFile(file)).toEqual(ROWS)
    expect(await readdir(folder)).toEqual([basename(file)])
  })

  it('does not meet another one of the same name', async () => {
    answer = ({ url }) => ({ status: 200, body: url.pathname })
    const files = await Promise.all(['a', 'b'].map((at) => fetchToFile(`${web.endpoint}/${at}/x.parquet`, folder)))
    expect(await Promise.all(files.map((file) => readFile(file, 'utf8')))).toEqual(['/a/x.parquet', '/b/x.parquet'])
  })

  it('goes on where the connection broke, when the server can', async () => {
    answer = ({ headers }, time) => {
      const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
      const tag = { etag: '"v1"' }
      if (time === 1) return { status: 200, headers: tag, body: ROWS, breakAfter: 100_000 }
      const range = { ...tag, 'content-range': `bytes ${from}-${ROWS.length - 1}/${ROWS.length}` }
      return { status: 206, headers: range, body: ROWS.subarray(from) }
    }
    const file = await fetchToFile(`${web.endpoint}/x`, folder, quick)
    expect(await readFile(file)).toEqual(ROWS)
    expect(asked.map(({ headers }) => headers['if-range'])).toEqual([undefined, '"v1"'])
    expect(asked[1]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('starts again when the file has changed meanwhile, or has no version', async () => {
    const newer = Buffer.from('newer and shorter')
    answer = (_, time) =>
      time === 1
        ? { status: 200, headers: { etag: '"v1"' }, body: ROWS, breakAfter: 100_000 }
        : { status: 200, headers: { etag: '"v2"' }, body: newer }
    expect(await readFile(await fetchToFile(`${web.endpoint}/x`, folder, quick))).toEqual(newer)
    asked = []
    answer = (_, time) => ({ status: 200, body: ROWS, ...(time < 3 && { breakAfter: 50_000 * time }) })
    expect(await readFile(await fetchToFile(`${web.endpoint}/y`, folder, quick))).toEqual(ROWS)
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, undefined, undefined])
  })

  it('is tried again when the server has too much to do', async () => {
    answer = (_, time) => (time < 4 ? { status: [0, 503, 429, 500][time] ?? 0 } : { status: 200, body: ROWS })
    expect(await readFile(await fetchToFile(`${web.endpoint}/x`, folder, quick))).toEqual(ROWS)
    expect(asked.length).toBe(4)
  })

  it('waits as long as the server asks for', async () => {
    answer = (_, time) =>
      time === 1 ? { status: 429, headers: { 'retry-after': '0.2' } } : { status: 200, body: ROWS }
    const start = performance.now()
    await fetchToFile(`${web.endpoint}/x`, folder, quick)
    expect(performance.now() - start).toBeGreaterThan(190)
  })

  it('is given up in the end, saying what happened and how often; nothing of it stays', async () => {
    answer = () => ({ status: 200, body: ROWS, breakAfter: 1000 })
    const error = await failureOf(() => fetchToFile(`${web.endpoint}/x`, folder, { ...quick, retries: 2 }))
    expect(error.message).toMatch(/^input http:\/\/127.0.0.1:\d+\/x: .+ \(tried 3 times\)$/)
    expect(asked.length).toBe(3)
    expect(await readdir(folder)).toEqual([])
    const busy = await failureOf(() => {
      answer = () => ({ status: 503 })
      return fetchToFile(`${web.endpoint}/x`, folder, { ...quick, retries: 0 })
    })
    expect(busy.message).toMatch(/: the server answered 503 Service Unavailable \(tried once\)$/)
  })

  it.each([
    [404, 'Not Found'],
    [403, 'Forbidden'],
    [401, 'Unauthorized'],
    [410, 'Gone'],
  ])('that is refused with %i is a mistake, and not asked for again', async (status, words) => {
    answer = () => ({ status, body: 'a long page of words' })
    expect(await mistakeOf(() => fetchToFile(`${web.endpoint}/a/x?sig=1`, folder, quick))).toBe(
      `input ${web.endpoint}/a/x: the server answered ${status} ${words}`,
    )
    expect(asked.length).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  it('on a host that does not exist is a mistake', async () => {
    const mistake = await mistakeOf(() => fetchToFile('https://host.invalid/x', folder, { ...quick, retries: 1 }))
    expect(mistake).toMatch(/^input https:\/\/host\.invalid\/x: getaddrinfo ENOTFOUND host\.invalid \(tried 2 times\)$/)
  })

  it('is asked for with its password and headers, and shown without', async () => {
    vi.stubEnv('DOJO_PASSWORD', 'p@ss/word')
    vi.stubEnv('DOJO_TOKEN', 'token-4711')
    const host = web.endpoint.replace('http://', '')
    const input = `http://dojo:p%40ss@${host}/x?token=secret://dojo-token`
    answer = () => ({ status: 200, body: ROWS })
    const file = await fetchToFile(input, folder, { headers: { 'x-token': 'secret://dojo-token' } })
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('dojo:p@ss').toString('base64')}`)
    expect(asked[0]?.headers['x-token']).toBe('token-4711')
    expect(asked[0]?.url.searchParams.get('token')).toBe('token-4711')
    expect(file).not.toMatch(/token|p@ss|4711/)
    answer = () => ({ status: 404 })
    expect(await mistakeOf(() => fetchToFile(input, folder))).toBe(
      `input http://${host}/x: the server answered 404 Not Found`,
    )
  })

  it('may take its password from a secret', async () => {
    vi.stubEnv('DOJO_ENTRY', 'p%40ss')
    const host = web.endpoint.replace('http://', '')
    await fetchToFile(`http://dojo:secret://dojo-entry@${host}/x`, folder)
    expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from('dojo:p@ss').toString('base64')}`)
  })

  it('stops when the run is cancelled', async () => {
    const cancel = new AbortController()
    const reason = new Error('the run was cancelled')
    answer = () => {
      setTimeout(() => cancel.abort(reason), 20)
      return { status: 503, headers: { 'retry-after': '30' } }
    }
    const start = performance.now()
    const fetching = withScope(testScope({ signal: cancel.signal }), () => fetchToFile(`${web.endpoint}/x`, folder))
    await expect(fetching).rejects.toBe(reason)
    expect(performance.now() - start).toBeLessThan(5000)
    expect(await readdir(folder)).toEqual([])
  })

  it('is not asked for in a run that was cancelled before', async () => {
    const reason = new Error('the run was cancelled')
    const scope = testScope({ signal: AbortSignal.abort(reason) })
    const fetching = withScope(scope, () => fetchToFile(`${web.endpoint}/x`, folder, { retries: 0 }))
    await expect(fetching).rejects.toBe(reason)
    expect(asked).toEqual([])
  })

  it('of 200 MB passes through without being held in memory', async () => {
    const big = Buffer.alloc(200 * 2 ** 20, 'x')
    answer = ({ url }) => ({ status: 200, body: url.pathname === '/big' ? big : 'small' })
    const script = new URL('fetch-once.ts', import.meta.url).pathname
    const fetchIn = async (path: string): Promise<number> => {
      const run = await promisify(execFile)(process.execPath, [script, `${web.endpoint}/${path}`, folder])
      return Number(run.stdout)
    }
    const small = await fetchIn('small')
    expect((await fetchIn('big')) - small).toBeLessThan(120 * 2 ** 20)
  })
})

describe('an input in a bucket', () => {
  let s3: ObjectStoreFake
  let gcs: ObjectStoreFake
  beforeAll(async () => {
    s3 = await fakeS3(['inputs'], { accessKeyId: 'AKIAINPUTS' })
    gcs = await fakeGcs(['inputs'])
    s3.objects('inputs').set('2026/water.parquet', ROWS)
    gcs.objects('inputs').set('2026/water.parquet', ROWS)
  })
  afterAll(async () => {
    await s3.close()
    await gcs.close()
  })

  it('of S3 is streamed into the folder, with the key that was given', async () => {
    const options = { s3: { endpoint: s3.endpoint, accessKeyId: 'AKIAINPUTS', secretAccessKey: 'x' } }
    const file = await fetchToFile('s3://inputs/2026/water.parquet', folder, options)
    expect(basename(file)).toMatch(/^[0-9a-f]{12}-water\.parquet$/)
    expect(dirname(file)).toBe(folder)
    expect(await readFile(file)).toEqual(ROWS)
    expect(await mistakeOf(() => fetchToFile('s3://inputs/2026/none', folder, options))).toBe(
      'input s3://inputs/2026/none: there is no 2026/none',
    )
  })

  it('of Google is streamed into the folder, and checked', async () => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', gcs.endpoint)
    const file = await fetchToFile('gs://inputs/2026/water.parquet', folder)
    expect(await readFile(file)).toEqual(ROWS)
    expect(await mistakeOf(() => fetchToFile('gs://other/2026/water.parquet', folder, quick))).toBe(
      'input gs://other/2026/water.parquet: cannot read 2026/water.parquet: The specified bucket does not exist.',
    )
  })

  it('that arrives damaged is not taken', async () => {
    const damaging = await serve(({ parts }) => {
      const md5 = createHash('md5').update('what was written').digest('base64')
      const headers = { 'x-goog-stored-content-encoding': 'identity', 'x-goog-hash': `md5=${md5}` }
      return { status: 200, headers, body: parts.join() }
    })
    vi.stubEnv('STORAGE_EMULATOR_HOST', damaging.endpoint)
    const error = await failureOf(() => fetchToFile('gs://inputs/x', folder, { ...quick, retries: 1 }))
    expect(error.message).toMatch(/are not those that were written .* \(tried 2 times\)$/)
    expect(await readdir(folder)).toEqual([])
    await damaging.close()
  })

  it('names what is missing in its address, and hides the secret in it', async () => {
    expect(await mistakeOf(() => fetchToFile('s3://inputs', folder))).toContain('input s3://inputs: names no object')
    vi.stubEnv('STORAGE_EMULATOR_HOST', gcs.endpoint)
    vi.stubEnv('CUSTOMER_FOLDER', 'customer-4711')
    const mistake = await mistakeOf(() => fetchToFile('gs://inputs/secret://customer-folder/x', folder))
    expect(mistake).toBe('input gs://inputs/secret://customer-folder/x: there is no [redacted]/x')
  })
})

it('an input of another kind is refused, with the kinds there are', async () => {
  expect(await mistakeOf(() => fetchToFile('ftp://host/x', folder))).toBe(
    'input ftp://host/x: cannot read from ftp:\nAn input is a local path, or a file:, https:, gs: or s3: URL.',
  )
})

it('a folder that cannot be written to is named', async () => {
  await mkdir(folder)
  await writeFile(`${folder}/a file`, '')
  expect(await mistakeOf(() => fetchToFile(`${web.endpoint}/x`, `${folder}/a file`))).toBe(
    `folder ${folder}/a file: cannot be written to (EEXIST)`,
  )
})
