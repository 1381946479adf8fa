import { Readable } from 'node:stream'
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { UserError } from '../errors.ts'
import { resolveSecrets } from '../secret.ts'
import { forEachAtOnce } from './at-once.ts'
import { parseBucketUrl } from './bucket-url.ts'
import { cloudError } from './cloud-errors.ts'
import { missing, type Place, type StoreDriver } from './driver.ts'
import { watched } from './source.ts'

/**
 * An S3 service other than the one the machine is set up for; `secret://` references are resolved.
 * What is left out, or empty, is as the AWS client finds it: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID …
 */
export interface S3Options {
  /** For instance `https://minio.example.org:9000`. */
  endpoint?: string
  region?: string
  accessKeyId?: string
  secretAccessKey?: string
  /** Put the bucket in the path, not in the name of the host. @default true where the endpoint is not Amazon's */
  forcePathStyle?: boolean
}

const AT_ONCE = 64
const PAGE = 1000
/** Of an upload in parts, of which there may be 10,000: objects up to 80 GB. Four are in memory at once. */
const PART = 8 * 2 ** 20

/** A bucket of Amazon S3, or of a service like it: `s3://bucket/prefix`. */
export function s3Driver(place: Place, given: S3Options = {}): StoreDriver {
  const { url } = place
  const { bucket: Bucket, prefix } = parseBucketUrl(place)
  const options = checkOptions(url, given)
  const cannot = (what: string, error: unknown): Error => explain(`store ${url}: cannot ${what}`, error)
  const open = (): Promise<S3> => client(resolveSecrets(options))
  const at = (path: string): { Bucket: string; Key: string } => ({ Bucket, Key: prefix + path })

  const writeBytes = async (path: string, data: string | Uint8Array): Promise<void> => {
    const { s3, sdk } = await open()
    // Bytes, for the client takes an empty text for a stream.
    const Body = typeof data === 'string' ? Buffer.from(data) : data
    try {
      await s3.send(new sdk.PutObjectCommand({ ...at(path), Body }))
    } catch (error) {
      throw cannot(`write ${path}`, error)
    }
  }

  return {
    url,

    async write(path, data) {
      if (typeof data === 'string' || (data instanceof Uint8Array && data.length <= PART)) return writeBytes(path, data)
      const { s3 } = await open()
      const { Upload } = await import('@aws-sdk/lib-storage')
      const source = watched(data)
      const Body = source.data instanceof Uint8Array ? source.data : Readable.from(source.data)
      try {
        await new Upload({ client: s3, params: { ...at(path), Body }, partSize: PART, queueSize: 4 }).done()
      } catch (error) {
        throw source.failed() ? error : cannot(`write ${path}`, error)
      }
    },

    async create(path, data) {
      const { s3, sdk } = await open()
      const Body = typeof data === 'string' ? Buffer.from(data) : data
      try {
        await s3.send(new sdk.PutObjectCommand({ ...at(path), Body, IfNoneMatch: '*' }))
        return true
      } catch (error) {
        if (statusOf(error) === 412) return false
        // Somebody else was at it; who won is known when asked again.
        if (statusOf(error) === 409) return this.create(path, data)
        throw cannot(`create ${path}`, error)
      }
    },

    writeAll: (entries) => forEachAtOnce(entries, AT_ONCE, ([path, data]) => writeBytes(path, data)),

    async read(path) {
      return Buffer.concat(await Array.fromAsync(this.stream(path)))
    },

    async *stream(path) {
      const { s3, sdk } = await open()
      try {
        const { Body } = await s3.send(new sdk.GetObjectCommand(at(path)))
        yield* Body as Readable as AsyncIterable<Buffer>
      } catch (error) {
        throw nameOf(error) === 'NoSuchKey' ? missing(url, path) : cannot(`read ${path}`, error)
      }
    },

    async exists(path) {
      const { s3, sdk } = await open()
      try {
        await s3.send(new sdk.HeadObjectCommand(at(path)))
        return true
      } catch (error) {
        if (statusOf(error) === 404) return false
        throw cannot(`look for ${path}`, error)
      }
    },

    async *list(start) {
      const { s3, sdk } = await open()
      let ContinuationToken: string | undefined
      do {
        const page = await s3
          .send(new sdk.ListObjectsV2Command({ Bucket, Prefix: prefix + start, MaxKeys: PAGE, ContinuationToken }))
          .catch((error) => {
            throw cannot('list its objects', error)
          })
        for (const { Key = '', Size = 0 } of page.Contents ?? []) {
          // Consoles make empty objects such as "a/" to show folders; they are no objects of ours.
          if (!Key.endsWith('/')) yield { path: Key.slice(prefix.length), size: Size }
        }
        ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined
      } while (ContinuationToken !== undefined)
    },

    async remove(path) {
      const { s3, sdk } = await open()
      try {
        await s3.send(new sdk.DeleteObjectCommand(at(path)))
      } catch (error) {
        throw cannot(`remove ${path}`, error)
      }
    },

    async removeAll(start) {
      await forEachAtOnce(this.list(start), AT_ONCE, ({ path }) => this.remove(path))
    },
  }
}

function checkOptions(url: string, given: S3Options): S3Options {
  // An empty text is a field of a form that nobody filled in.
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')) as S3Options
  if ((options.accessKeyId === undefined) !== (options.secretAccessKey === undefined)) {
    const field = options.accessKeyId === undefined ? 'accessKeyId' : 'secretAccessKey'
    throw new UserError(`store ${url}: s3.${field}: is missing; a key comes with both of its halves`)
  }
  return options
}

interface S3 {
  readonly s3: S3Client
  readonly sdk: typeof import('@aws-sdk/client-s3')
}

/** One client per process and set of options: it keeps connections and credentials. */
const clients = new Map<string, Promise<S3>>()

function client(options: S3Options): Promise<S3> {
  const endpoint = options.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL
  const key = JSON.stringify([options, endpoint])
  const known = clients.get(key)
  if (known) return known
  const made = import('@aws-sdk/client-s3').then((sdk) => ({ sdk, s3: new sdk.S3Client(config(options, endpoint)) }))
  clients.set(key, made)
  return made
}

function config(options: S3Options, endpoint: string | undefined): S3ClientConfig {
  const { region, accessKeyId, secretAccessKey } = options
  const elsewhere = endpoint !== undefined && !/\.amazonaws\.com(?:[:/]|$)/.test(endpoint)
  const forcePathStyle = options.forcePathStyle ?? elsewhere
  return {
    ...(process.env.AWS_MAX_ATTEMPTS === undefined && { maxAttempts: 5 }),
    requestHandler: { httpAgent: { maxSockets: AT_ONCE }, httpsAgent: { maxSockets: AT_ONCE } },
    forcePathStyle,
    followRegionRedirects: true,
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } }),
    ...(elsewhere && {
      region: region ?? process.env.AWS_REGION ?? 'us-east-1',
      // Other services do not all know the checksums that Amazon's has added to every request since 2025.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
  }
}

/** What the client throws: an exception of the service, or an error of the network. */
interface ClientError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const nameOf = (error: unknown): string => (error as Error).name
const statusOf = (error: unknown): number | undefined => (error as ClientError).$metadata?.httpStatusCode

function explain(what: string, error: unknown): Error {
  const { name, message } = error as ClientError
  if (name === 'CredentialsProviderError') {
    return new UserError(`${what}: there are no AWS credentials`, 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.')
  }
  if (/region is missing/i.test(message)) return new UserError(`${what}: the region is missing`, 'Set AWS_REGION.')
  const status = statusOf(error)
  // The answer to a question about an object has no body, so no words either.
  const words = message && message !== 'UnknownError' ? message : `the server answered ${status ?? name}`
  return cloudError(what, words, status)
}
