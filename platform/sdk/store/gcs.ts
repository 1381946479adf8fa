import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bucket, File, GetFilesOptions, Storage } from '@google-cloud/storage'
import { UserError } from '../errors.ts'
import { forEachAtOnce } from './at-once.ts'
import { parseBucketUrl } from './bucket-url.ts'
import { cloudError } from './cloud-errors.ts'
import { missing, type Place, type StoreDriver } from './driver.ts'
import { watched } from './source.ts'

const AT_ONCE = 64
const PAGE = 1000
/** Sent in one request; what is longer goes up in pieces of this length, each of which can be sent again. */
const PIECE = 8 * 2 ** 20

/**
 * A bucket of Google Cloud Storage: `gs://bucket/prefix`, with the machine's own credentials.
 * `STORAGE_EMULATOR_HOST=http://host:port` sends it to an emulator, without credentials.
 */
export function gcsDriver(place: Place): StoreDriver {
  const { url } = place
  const { bucket: name, prefix } = parseBucketUrl(place)
  const cannot = (what: string, error: unknown): Error => explain(`store ${url}: cannot ${what}`, error)
  const bucket = async (): Promise<Bucket> => (await client()).bucket(name)
  const file = async (path: string): Promise<File> => (await bucket()).file(prefix + path)

  const writeBytes = async (path: string, data: string | Uint8Array): Promise<void> => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    try {
      await (await file(path)).save(bytes, upload(bytes.length > PIECE))
    } catch (error) {
      throw cannot(`write ${path}`, error)
    }
  }

  const remove = async (path: string): Promise<void> => {
    try {
      await (await file(path)).delete({ ignoreNotFound: true })
    } catch (error) {
      throw cannot(`remove ${path}`, error)
    }
  }

  return {
    url,

    async write(path, data) {
      if (typeof data === 'string' || data instanceof Uint8Array) return writeBytes(path, data)
      const source = watched(data)
      try {
        await pipeline(Readable.from(source.data), (await file(path)).createWriteStream(upload(true)))
      } catch (error) {
        throw source.failed() ? error : cannot(`write ${path}`, error)
      }
    },

    writeAll: (entries) => forEachAtOnce(entries, AT_ONCE, ([path, data]) => writeBytes(path, data)),

    async read(path) {
      try {
        const [bytes] = await (await file(path)).download()
        return bytes
      } catch (error) {
        throw isMissing(error) ? missing(url, path) : cannot(`read ${path}`, error)
      }
    },

    async *stream(path) {
      try {
        yield* (await file(path)).createReadStream() as AsyncIterable<Buffer>
      } catch (error) {
        throw isMissing(error) ? missing(url, path) : cannot(`read ${path}`, error)
      }
    },

    async exists(path) {
      try {
        const [found] = await (await file(path)).exists()
        return found
      } catch (error) {
        throw cannot(`look for ${path}`, error)
      }
    },

    async *list(start) {
      let pageToken: string | undefined
      do {
        const query: GetFilesOptions = {
          prefix: prefix + start,
          autoPaginate: false,
          maxResults: PAGE,
          fields: 'items(name,size),nextPageToken',
          ...(pageToken !== undefined && { pageToken }),
        }
        const [files, next] = await (await bucket()).getFiles(query).catch((error) => {
          throw cannot('list its objects', error)
        })
        for (const { name, metadata } of files) {
          // Consoles make empty objects such as "a/" to show folders; they are no objects of ours.
          if (!name.endsWith('/')) yield { path: name.slice(prefix.length), size: Number(metadata.size) }
        }
        pageToken = (next as GetFilesOptions | null)?.pageToken
      } while (pageToken !== undefined)
    },

    remove,

    async removeAll(start) {
      await forEachAtOnce(this.list(start), AT_ONCE, ({ path }) => remove(path))
    },
  }
}

/** One client per process and endpoint: it keeps connections and access tokens. */
const clients = new Map<string | undefined, Promise<Storage>>()

function client(): Promise<Storage> {
  const endpoint = process.env.STORAGE_EMULATOR_HOST
  const known = clients.get(endpoint)
  if (known) return known
  const made = import('@google-cloud/storage').then(({ IdempotencyStrategy, Storage }) => {
    // Writing the same bytes under the same name twice comes to the same, so every request may be tried again.
    return new Storage({ retryOptions: { idempotencyStrategy: IdempotencyStrategy.RetryAlways, maxRetries: 5 } })
  })
  clients.set(endpoint, made)
  return made
}

function upload(resumable: boolean): { resumable: boolean; chunkSize?: number } {
  return resumable ? { resumable, chunkSize: PIECE } : { resumable }
}

/** What the client throws: an ApiError, or an error of the network. */
interface ClientError extends Error {
  readonly code?: number | string
  readonly errors?: readonly { readonly message?: string }[]
}

function isMissing(error: unknown): boolean {
  const { code, message } = error as ClientError
  return Number(code) === 404 && !/bucket does not exist/i.test(message)
}

function explain(what: string, error: unknown): Error {
  const { code, errors, message } = error as ClientError
  if (/default credentials/i.test(message)) {
    return new UserError(`${what}: there are no Google credentials`, 'Log in: gcloud auth application-default login.')
  }
  const status = Number(code)
  return cloudError(what, errors?.[0]?.message || message, Number.isInteger(status) ? status : undefined)
}
