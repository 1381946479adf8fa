import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { store } from '../../../../platform/sdk/index.ts'
import type { ObjectStoreFake } from '../../../fakes/object-store.ts'
import { fakeS3 } from '../../../fakes/s3.ts'
import { failureOf, mistakeOf } from '../failure.ts'

let fake: ObjectStoreFake
let home: string
beforeAll(async () => {
  fake = await fakeS3(['inputs'], { accessKeyId: 'AKIAINPUTS' })
  home = await mkdtemp(join(tmpdir(), 'millrace-home-'))
})
afterAll(async () => {
  await fake.close()
  await rm(home, { recursive: true })
})
afterEach(() => vi.unstubAllEnvs())

describe('an S3 service of its own', () => {
  it('is reached with the endpoint and the key that were given', async () => {
    vi.stubEnv('INPUT_KEY', 'a very long secret key')
    const s3 = {
      endpoint: fake.endpoint,
      region: 'nowhere-1',
      accessKeyId: 'AKIAINPUTS',
      secretAccessKey: 'secret://input-key',
    }
    const inputs = store('s3://inputs/2026', { s3 })
    await inputs.write('a.parquet', 'rows')
    expect(fake.objects('inputs').get('2026/a.parquet')?.toString()).toBe('rows')
    expect(await inputs.readText('a.parquet')).toBe('rows')
  })

  it('says in its words that it does not know the key', async () => {
    const s3 = { endpoint: fake.endpoint, accessKeyId: 'AKIAOTHER', secretAccessKey: 'x' }
    expect(await mistakeOf(() => store('s3://inputs', { s3 }).read('a'))).toBe(
      'store s3://inputs: cannot read a: The AWS Access Key Id you provided does not exist in our records.',
    )
  })

  it('takes fields that nobody filled in as not given', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', fake.endpoint)
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAINPUTS')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'x')
    const s3 = { endpoint: '', region: '', accessKeyId: '', secretAccessKey: '' }
    await store('s3://inputs', { s3 }).write('b', 'x')
    expect(fake.objects('inputs').has('b')).toBe(true)
  })

  it('wants both halves of a key', async () => {
    expect(await mistakeOf(() => store('s3://inputs', { s3: { accessKeyId: 'AKIA' } }))).toBe(
      'store s3://inputs: s3.secretAccessKey: is missing; a key comes with both of its halves',
    )
    expect(await mistakeOf(() => store('s3://inputs', { s3: { secretAccessKey: 'x' } }))).toBe(
      'store s3://inputs: s3.accessKeyId: is missing; a key comes with both of its halves',
    )
  })

  it('that does not answer is a failure that may pass, in one line', async () => {
    vi.stubEnv('AWS_MAX_ATTEMPTS', '1')
    const s3 = { endpoint: 'http://127.0.0.1:1', accessKeyId: 'AKIA', secretAccessKey: 'hidden-half-of-a-key' }
    const error = await failureOf(() => store('s3://inputs', { s3 }).read('a'))
    expect(error.name).toBe('Error')
    expect(error.message).toMatch(/^store s3:\/\/inputs: cannot read a: .*ECONNREFUSED/)
    expect(JSON.stringify(Object.entries(error)) + error.stack).not.toContain('hidden-half')
  })
})

describe('a machine without credentials', () => {
  it('is told so by a store of S3', async () => {
    vi.stubEnv('HOME', home)
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
    vi.stubEnv('AWS_REGION', 'eu-west-1')
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) {
      vi.stubEnv(name, undefined)
    }
    expect(await mistakeOf(() => store('s3://bucket').read('a'))).toBe(
      'store s3://bucket: cannot read a: there are no AWS credentials\nSet AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    )
  })

  it('is told so by a store of Google', async () => {
    vi.stubEnv('HOME', home)
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
    for (const name of ['STORAGE_EMULATOR_HOST', 'GOOGLE_APPLICATION_CREDENTIALS', 'CLOUDSDK_CONFIG']) {
      vi.stubEnv(name, undefined)
    }
    // Anything but an upload in pieces is tried without credentials first, for buckets that all may read.
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
    }
    expect(await mistakeOf(() => store('gs://bucket').write('a', pieces()))).toBe(
      'store gs://bucket: cannot write a: there are no Google credentials\nLog in: gcloud auth application-default login.',
    )
  })
})
