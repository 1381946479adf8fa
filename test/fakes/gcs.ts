import { createHash, randomUUID } from 'node:crypto'
import type { ObjectStoreFake } from './object-store.ts'
import { type Answer, type Ask, serve } from './serve.ts'

interface Upload {
  readonly bucket: string
  readonly name: string
  /** Only where there is no object of that name, also at its end. */
  readonly onlyNew: boolean
  readonly received: Buffer[]
  length: number
}

/**
 * Cloud Storage's JSON API, as far as a store needs it: objects insert (multipart and resumable), get, list, delete,
 * https://cloud.google.com/storage/docs/json_api. The bucket `denied` answers 403; others must be given to it.
 * The official client calls it below `/b` when STORAGE_EMULATOR_HOST is set, and the real one below `/storage/v1/b`.
 * @param pageSize most objects on one page of a list; the real API gives 1,000 and is free to give fewer
 */
export async function fakeGcs(buckets: readonly string[], pageSize = 1000): Promise<ObjectStoreFake> {
  const stored = new Map(buckets.map((bucket) => [bucket, new Map<string, Buffer>()]))
  const uploads = new Map<string, Upload>()
  const failures: number[] = []
  let toLose = 0
  let endpoint = ''

  const handle = (ask: Ask): Answer => {
    const answer = answerTo(ask)
    if (ask.parts[0] === 'upload' && answer.status === 200 && toLose > 0) {
      toLose--
      return { ...answer, breakAfter: 0 }
    }
    // The real one refuses a download in plain text.
    const isRefusedDownload = answer.status >= 400 && ask.url.searchParams.get('alt') === 'media'
    return isRefusedDownload ? { status: answer.status, body: wordsOf(answer) } : answer
  }

  const answerTo = (ask: Ask): Answer => {
    const parts = ask.parts.slice(ask.parts.indexOf('b') + 1)
    const [bucket = '', , name] = parts
    if (bucket === 'denied') {
      const who = 'millrace@project.iam.gserviceaccount.com'
      const verb = ask.method === 'POST' ? 'create' : ask.method === 'DELETE' ? 'delete' : name ? 'get' : 'list'
      return error(403, 'forbidden', `${who} does not have storage.objects.${verb} access to the bucket.`)
    }
    const objects = stored.get(bucket)
    if (!objects) return error(404, 'notFound', 'The specified bucket does not exist.')
    if (ask.parts[0] === 'upload') return insert(ask, bucket, objects)
    if (name === undefined) return list(ask.url.searchParams, bucket, objects)
    const bytes = objects.get(name)
    if (!bytes) return error(404, 'notFound', `No such object: ${bucket}/${name}`)
    if (ask.method === 'DELETE') {
      objects.delete(name)
      return { status: 204 }
    }
    return ask.url.searchParams.get('alt') === 'media' ? media(bytes) : json(resource(bucket, name, bytes))
  }

  const insert = (ask: Ask, bucket: string, objects: Map<string, Buffer>): Answer => {
    const status = failures.shift()
    if (status) return error(status, 'backendError', 'We encountered an internal error. Please try again.')
    const query = ask.url.searchParams
    const id = query.get('upload_id')
    const isTaken = (name: string): boolean => query.get('ifGenerationMatch') === '0' && objects.has(name)
    if (id) return resume(ask, id, objects)
    if (query.get('uploadType') === 'resumable') {
      const metadata = ask.body.length > 0 ? (JSON.parse(ask.body.toString()) as { name?: string }) : {}
      const uploadId = randomUUID()
      const name = query.get('name') ?? metadata.name ?? ''
      if (isTaken(name)) return TAKEN
      const onlyNew = query.get('ifGenerationMatch') === '0'
      uploads.set(uploadId, { bucket, name, onlyNew, received: [], length: 0 })
      const location = `${endpoint}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${uploadId}`
      return { status: 200, headers: { location, 'x-guploader-uploadid': uploadId } }
    }
    const [metadata, bytes] = relatedParts(ask)
    const name = query.get('name') ?? (JSON.parse(metadata.toString()) as { name: string }).name
    if (isTaken(name)) return TAKEN
    objects.set(name, bytes)
    return json(resource(bucket, name, bytes))
  }

  /** A piece of a resumable upload, or (with "*" for its range) the question how far it has come. */
  const resume = (ask: Ask, id: string, objects: Map<string, Buffer>): Answer => {
    const upload = uploads.get(id)
    if (!upload) return error(404, 'notFound', 'Upload session not found.')
    if (ask.method === 'DELETE') {
      uploads.delete(id)
      return { status: 499 }
    }
    const [, from, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(String(ask.headers['content-range'])) ?? []
    if (from !== undefined || ask.body.length > 0) {
      if (Number(from ?? 0) !== upload.length) return error(503, 'backendError', 'Piece out of order.')
      upload.received.push(ask.body)
      upload.length += ask.body.length
    }
    if (total !== undefined && total !== '*' && Number(total) === upload.length) {
      const bytes = Buffer.concat(upload.received)
      uploads.delete(id)
      if (upload.onlyNew && objects.has(upload.name)) return TAKEN
      objects.set(upload.name, bytes)
      return json(resource(upload.bucket, upload.name, bytes))
    }
    return { status: 308, headers: upload.length > 0 ? { range: `bytes=0-${upload.length - 1}` } : {} }
  }

  const list = (query: URLSearchParams, bucket: string, objects: Map<string, Buffer>): Answer => {
    const start = query.get('prefix') ?? ''
    const after = query.get('pageToken')
    const names = [...objects.keys()].filter((name) => name.startsWith(start)).sort(byBytes)
    const rest = after ? names.filter((name) => byBytes(name, Buffer.from(after, 'base64').toString()) > 0) : names
    const page = rest.slice(0, Math.min(pageSize, Number(query.get('maxResults') ?? 1000)))
    const last = page.at(-1)
    return json({
      kind: 'storage#objects',
      // The real one leaves the field out where there is nothing.
      ...(page.length > 0 && { items: page.map((name) => resource(bucket, name, objects.get(name) ?? Buffer.of())) }),
      ...(last !== undefined && rest.length > page.length && { nextPageToken: Buffer.from(last).toString('base64') }),
    })
  }

  const served = await serve(handle)
  endpoint = served.endpoint
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

function json(body: unknown): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify(body),
  }
}

function error(code: number, reason: string, message: string): Answer {
  const body = { error: { code, message, errors: [{ message, domain: 'global', reason }] } }
  return { ...json(body), status: code }
}

const TAKEN = error(412, 'conditionNotMet', 'At least one of the pre-conditions you specified did not hold.')

function wordsOf({ body }: Answer): string {
  return (JSON.parse(String(body)) as { error: { message: string } }).error.message
}

function media(bytes: Buffer): Answer {
  const headers = {
    'content-type': 'application/octet-stream',
    'x-goog-hash': `crc32c=${crc32c(bytes)},md5=${md5(bytes)}`,
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(bytes.length),
  }
  return { status: 200, headers, body: bytes }
}

function resource(bucket: string, name: string, bytes: Buffer): Record<string, unknown> {
  return {
    kind: 'storage#object',
    id: `${bucket}/${name}/1`,
    name,
    bucket,
    generation: '1',
    metageneration: '1',
    size: String(bytes.length),
    crc32c: crc32c(bytes),
    md5Hash: md5(bytes),
  }
}

/** The metadata and the media of a multipart/related body. */
function relatedParts(ask: Ask): [metadata: Buffer, media: Buffer] {
  const boundary = /boundary="?([^";]+)/.exec(ask.headers['content-type'] ?? '')?.[1] ?? ''
  const mark = Buffer.from(`--${boundary}`)
  const content = (from: number): [Buffer, number] => {
    const start = ask.body.indexOf('\r\n\r\n', from) + 4
    const next = ask.body.indexOf(mark, start)
    return [ask.body.subarray(start, next - 2), next]
  }
  const [metadata, next] = content(0)
  return [metadata, content(next)[0]]
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64')
}

/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78; RFC 3720, appendix B.4. */
const CRC32C = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1
  return c >>> 0
})

const checked = new WeakMap<Buffer, string>()

function crc32c(bytes: Buffer): string {
  const known = checked.get(bytes)
  if (known !== undefined) return known
  let crc = 0xffffffff
  for (let at = 0; at < bytes.length; at++) crc = (CRC32C[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  const out = Buffer.alloc(4)
  out.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  const text = out.toString('base64')
  checked.set(bytes, text)
  return text
}
