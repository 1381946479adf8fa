import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bucket, CreateWriteStreamOptions, File, GetFilesOptions, Storage } from '@google-cloud/storage'
import { forEachAtOnce } from './at-once.ts'
import { parseBucketUrl } from './bucket-url.ts'
import { missing, type Place, type StoreDriver } from './driver.ts'
import { explain, isMissing, isTaken } from './gcs-errors.ts'
import { readObject } from './gcs-read.ts'
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
      await (await file(path)).delete()
    } catch (error) {
      if (!isMissing(error)) throw cannot(`remove ${path}`, error)
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

    async create(path, data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data
      const onlyNew = { preconditionOpts: { ifGenerationMatch: 0 } }
      try {
        await (await file(path)).save(bytes, { ...upload(bytes.length > PIECE), ...onlyNew })
        return true
      } catch (error) {
        if (isTaken(error)) return false
        throw cannot(`create ${path}`, error)
      }
    },

    writeAll: (entries) => forEachAtOnce(entries, AT_ONCE, ([path, data]) => writeBytes(path, data)),

    async read(path) {
      return Buffer.concat(await Array.fromAsync(this.stream(path)))
    },

    async *stream(path) {
      yield* readObject(await file(path), `store ${url}: cannot read ${path}`, missing(url, path))
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
        const [, , answer] = await (await bucket()).getFiles(query).catch((error) => {
          throw cannot('list its objects', error)
        })
        const page = answer as { items?: { name: string; size: string }[]; nextPageToken?: string }
        for (const { name, size } of page.items ?? []) {
          // Consoles make empty objects such as "a/" to show folders; they are no objects of ours.
          if (!name.endsWith('/')) yield { path: name.slice(prefix.length), size: Number(size) }
        }
        pageToken = page.nextPageToken
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

function upload(resumable: boolean): CreateWriteStreamOptions {
  // The other check, a CRC-32C, is JavaScript and slower than most networks (63 MB/s); MD5 is native.
  return { resumable, validation: 'md5', ...(resumable && { chunkSize: PIECE }) }
}
