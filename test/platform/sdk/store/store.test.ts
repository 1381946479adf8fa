import { describe, expect, it } from 'vitest'
import { store } from '../../../../platform/sdk/index.ts'
import { mistakeOf } from '../failure.ts'

describe('the URL of a store', () => {
  it.each([
    ['out', 'store "out": expected a URL\nA folder is written file:out.'],
    ['/data/out', 'store "/data/out": expected a URL\nA folder is written file:/data/out.'],
    ['./out', 'store "./out": expected a URL\nA folder is written file:./out.'],
    ['', 'store "": expected a URL\nA folder is written file:out.'],
    ['C:\\out', 'store "C:\\out": expected a URL\nA folder is written file:C:\\out.'],
    ['ftp://host/out', 'store "ftp://host/out": there is no store for ftp:\nThere are file:, gs:, s3: and null:.'],
    ['gs:bucket', 'store gs:bucket: expected the name of a bucket\nIt is written gs://bucket/prefix.'],
    ['gs://', 'store gs://: expected the name of a bucket\nIt is written gs://bucket/prefix.'],
    ['s3:///x', 'store s3:///x: expected the name of a bucket\nIt is written s3://bucket/prefix.'],
    ['s3://key:secret@bucket', /expected the name of a bucket/],
    ['gs://bucket/a/../b', 'store gs://bucket/a/../b: the prefix has a part that is empty, "." or ".."'],
    ['gs://bucket//b', 'store gs://bucket//b: the prefix has a part that is empty, "." or ".."'],
  ])('%s is refused, with the way to write it', async (url, expected) => {
    const mistake = await mistakeOf(() => store(url))
    if (typeof expected === 'string') expect(mistake).toBe(expected)
    else expect(mistake).toMatch(expected)
  })

  it.each([
    ['file:out/', 'file:out'],
    ['gs://bucket/', 'gs://bucket'],
    ['gs://bucket/a/b/', 'gs://bucket/a/b'],
    ['S3://bucket/a', 'S3://bucket/a'],
    ['file:///', 'file:///'],
    ['null:', 'null:'],
  ])('%s is shown as %s', (given, shown) => {
    expect(store(given).url).toBe(shown)
  })

  it('names a secret that is not set', async () => {
    expect(await mistakeOf(() => store('gs://secret://no-such-bucket/x'))).toBe(
      'secret no-such-bucket is not set\nSet the environment variable NO_SUCH_BUCKET, or put it in .env.',
    )
  })

  it('may hold a secret for the name of its bucket, which is shown as the reference', () => {
    process.env.RESULTS_BUCKET = 'customer-4711'
    expect(store('gs://secret://results-bucket/areas/').url).toBe('gs://secret://results-bucket/areas')
  })

  it('has a folder only where the store is one', () => {
    expect(store('file:/data/out').folder).toBe('/data/out')
    expect(store('gs://bucket/a').folder).toBeUndefined()
    expect(store('null:').folder).toBeUndefined()
  })
})
