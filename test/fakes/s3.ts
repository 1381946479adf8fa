import { createHash, randomUUID } from 'node:crypto'
import type { ObjectStoreFake } from './object-store.ts'
import { type Answer, type Ask, serve } from './serve.ts'

interface Upload {
  readonly bucket: string
  readonly key: string
  readonly parts: Map<number, Buffer>
}

/** The smallest part of an upload but its last; the real one refuses to complete an upload with a smaller one. */
const SMALLEST_PART = 5 * 2 ** 20

/**
 * Amazon S3's REST API, as far as a store needs it: PutObject, GetObject, HeadObject, DeleteObject, ListObjectsV2 and
 * uploads in parts, with buckets in the path (https://docs.aws.amazon.com/AmazonS3/latest/API).
 * The bucket `denied` answers 403; others must be given to it. Requests must be signed with the key that it was given
 * (the signature itself is not checked).
 * @param pageSize most objects on one page of a list; the real API gives 1,000 and is free to give fewer
 */
export async function fakeS3(
  buckets: readonly string[],
  { accessKeyId = 'test', pageSize = 1000 } = {},
): Promise<ObjectStoreFake> {
  const stored = new Map(buckets.map((bucket) => [bucket, new Map<string, Buffer>()]))
  const uploads = new Map<string, Upload>()
  const failures: number[] = []
  let toLose = 0

  const handle = (ask: Ask): Answer => {
    const [bucket = '', ...rest] = ask.parts
    const key = rest.join('/')
    const query = ask.url.searchParams
    const credential = /^AWS4-HMAC-SHA256 Credential=([^/]+)\//.exec(ask.headers.authorization ?? '')?.[1]
    if (credential === undefined || bucket === 'denied') return error(ask, 403, 'AccessDenied', 'Access Denied')
    if (credential !== accessKeyId) {
      const words = 'The AWS Access Key Id you provided does not exist in our records.'
      return error(ask, 403, 'InvalidAccessKeyId', words)
    }
    if (String(ask.headers['content-encoding']).includes('aws-chunked')) {
      return error(ask, 501, 'NotImplemented', 'A header you provided implies functionality that is not implemented.')
    }
    const objects = stored.get(bucket)
    if (!objects) return error(ask, 404, 'NoSuchBucket', 'The specified bucket does not exist')
    if (key === '') return list(query, bucket, objects)
    if (ask.method === 'PUT' || ask.method === 'POST') {
      const status = failures.shift()
      // Of a write that is conditional, while another one of the same key goes on.
      if (status === 409) return error(ask, status, 'ConditionalRequestConflict', 'The request conflicts with another.')
      if (status) return error(ask, status, 'SlowDown', 'Please reduce your request rate.')
    }
    if (query.has('uploads')) return begin(bucket, key)
    const id = query.get('uploadId')
    if (id !== null) return inParts(ask, id, objects)
    if (ask.method === 'PUT') {
      if (ask.headers['if-none-match'] === '*') {
        const words = 'At least one of the pre-conditions you specified did not hold'
        if (objects.has(key)) return error(ask, 412, 'PreconditionFailed', words)
      }
      objects.set(key, ask.body)
      return { status: 200, headers: { etag: etagOf(ask.body) }, ...(toLose > 0 && toLose-- && { breakAfter: 0 }) }
    }
    if (ask.method === 'DELETE') {
      objects.delete(key)
      return { status: 204 }
    }
    const bytes = objects.get(key)
    if (!bytes) return error(ask, 404, 'NoSuchKey', 'The specified key does not exist.')
    return { status: 200, headers: { etag: etagOf(bytes), 'content-type': 'application/octet-stream' }, body: bytes }
  }

  const begin = (bucket: string, key: string): Answer => {
    const id = randomUUID()
    uploads.set(id, { bucket, key, parts: new Map() })
    return xml('InitiateMultipartUploadResult', tags({ Bucket: bucket, Key: key, UploadId: id }))
  }

  const inParts = (ask: Ask, id: string, objects: Map<string, Buffer>): Answer => {
    const upload = uploads.get(id)
    if (!upload) return error(ask, 404, 'NoSuchUpload', 'The specified upload does not exist.')
    if (ask.method === 'PUT') {
      upload.parts.set(Number(ask.url.searchParams.get('partNumber')), ask.body)
      return { status: 200, headers: { etag: etagOf(ask.body) } }
    }
    if (ask.method === 'DELETE') {
      uploads.delete(id)
      return { status: 204 }
    }
    const numbers = [...ask.body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map((m) => Number(m[1]))
    const parts = numbers.map((number) => upload.parts.get(number) ?? Buffer.of())
    if (parts.slice(0, -1).some((part) => part.length < SMALLEST_PART)) {
      return error(ask, 400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size')
    }
    const bytes = Buffer.concat(parts)
    uploads.delete(id)
    objects.set(upload.key, bytes)
    const { bucket, key } = upload
    return xml('CompleteMultipartUploadResult', tags({ Bucket: bucket, Key: key, ETag: etagOf(bytes) }))
  }

  const list = (query: URLSearchParams, bucket: string, objects: Map<string, Buffer>): Answer => {
    const start = query.get('prefix') ?? ''
    const after = query.get('continuation-token')
    const keys = [...objects.keys()].filter((key) => key.startsWith(start)).sort(byBytes)
    const rest = after ? keys.filter((key) => byBytes(key, Buffer.from(after, 'base64').toString()) > 0) : keys
    const page = rest.slice(0, Math.min(pageSize, Number(query.get('max-keys') ?? 1000)))
    const last = page.at(-1)
    const isTruncated = last !== undefined && rest.length > page.length
    const contents = page.map((key) => {
      const bytes = objects.get(key) ?? Buffer.of()
      return `<Contents>${tags({ Key: key, ETag: etagOf(bytes), Size: bytes.length })}</Contents>`
    })
    const token = isTruncated ? tags({ NextContinuationToken: Buffer.from(last).toString('base64') }) : ''
    const head = tags({ Name: bucket, Prefix: start, KeyCount: page.length, IsTruncated: isTruncated })
    return xml('ListBucketResult', head + token + contents.join(''))
  }

  const served = await serve(handle)
  return {
    ...served,
    objects: (bucket) => stored.get(bucket) ?? new Map(),
    failWrites: (count, status) => failures.push(...Array<number>(count).fill(status)),
    loseWriteAnswers: (count) => {
      toLose += count
    },
    unfinishedUploads: () => uploads.size,
  }
}

function xml(root: string, content: string, status = 200): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root}>${content}</${root}>`
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

/** An answer to HEAD has no body, so no words. */
function error({ method }: Ask, status: number, code: string, message: string): Answer {
  return method === 'HEAD' ? { status } : xml('Error', tags({ Code: code, Message: message }), status)
}

function tags(values: Record<string, string | number | boolean>): string {
  const escaped = (value: unknown): string =>
    String(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return Object.entries(values)
    .map(([tag, value]) => `<${tag}>${escaped(value)}</${tag}>`)
    .join('')
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
