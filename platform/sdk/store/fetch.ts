import { createHash, randomBytes } from 'node:crypto'
import { access, constants, type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { UserError } from '../errors.ts'
import { abortSignal } from '../scope.ts'
import { redact, resolveSecrets } from '../secret.ts'
import { pathOfFileUrl } from './file-url.ts'
import { type StoreOptions, store } from './store.ts'

/** How {@link fetchToFile} gets an input. */
export interface FetchOptions extends StoreOptions {
  /** How often a download that broke off, or was refused for now, is tried again. @default 4 */
  retries?: number
  /** Milliseconds before the first retry; doubled each time, up to half a minute. @default 500 */
  retryDelay?: number
  /** Sent with requests to http(s) addresses; `secret://` references are resolved. */
  headers?: Record<string, string>
}

/**
 * Gives a local file for an input: a local path, or a `file:`, `https:`, `http:`, `gs:` or `s3:` URL.
 * A local file is left where it is. Anything else is streamed into `folder`, under a name made of the input's own
 * and a hash of its address, so that inputs of the same name do not meet; the file appears when it is whole.
 * `secret://` references in the input are resolved; messages leave out what may be secret (a query, a password).
 *
 * @returns the absolute path of the file
 * @throws UserError naming the input, when it is not there or may not be read
 */
export async function fetchToFile(input: string, folder: string, options: FetchOptions = {}): Promise<string> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(input)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
      return localFile(input, resolve(resolveSecrets(input)))
    case 'file':
      return localFile(input, pathOfFileUrl(`input ${input}`, resolveSecrets(input)))
    case 'http':
    case 'https':
      return fromWeb(input, folder, options)
    case 'gs':
    case 's3':
      return fromStore(input, folder, options)
    default:
      throw new UserError(
        `input ${input}: cannot read from ${scheme}:`,
        'An input is a local path, or a file:, https:, gs: or s3: URL.',
      )
  }
}

async function localFile(input: string, path: string): Promise<string> {
  try {
    const stats = await stat(path)
    if (!stats.isFile()) throw new UserError(`input ${input}: is a folder, expected a file`)
    await access(path, constants.R_OK)
    return path
  } catch (error) {
    if (error instanceof UserError) throw error
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw new UserError(`input ${input}: cannot be read (${code})`)
    throw new UserError(`input ${input}: there is no such file`, `Paths are relative to ${process.cwd()}.`)
  }
}

async function fromStore(input: string, folder: string, options: FetchOptions): Promise<string> {
  const [, bucket, path] = /^([a-z0-9]+:\/\/[^/]+)\/(.+)$/is.exec(resolveSecrets(input)) ?? []
  const [, shownBucket, shownPath] = /^([a-z0-9]+:\/\/(?:secret:\/\/)?[^/]+)\/(.+)$/is.exec(input) ?? []
  if (!bucket || !path || !shownBucket || !shownPath) {
    throw new UserError(`input ${input}: names no object`, 'It is written gs://bucket/path or s3://bucket/path.')
  }
  const source = store(shownBucket, options)
  return intoFile(folder, fileName(input, input), (file) =>
    retrying(input, options, async () => {
      await file.truncate(0)
      let length = 0
      for await (const chunk of source.stream(path)) length += await writeAt(file, chunk, length)
    }),
  )
}

async function fromWeb(input: string, folder: string, options: FetchOptions): Promise<string> {
  const shown = withoutQuery(input)
  const target = resolveSecrets(input)
  if (!URL.canParse(target)) throw new UserError(`input ${shown}: is not a web address`)
  const url = new URL(target)
  const headers = new Headers({ ...basicAuth(url), ...resolveSecrets(options.headers) })
  headers.set('accept-encoding', 'identity')
  url.username = ''
  url.password = ''
  return intoFile(folder, fileName(input, shown), async (file) => {
    const got: Download = { length: 0, etag: undefined }
    await retrying(shown, options, () => continueDownload(shown, url, headers, file, got))
  })
}

/** How far a download has come, and the version of the file it is of. */
interface Download {
  length: number
  etag: string | undefined
}

/** Gets the rest of a file: all of it where the server cannot give parts, or has another version by now. */
async function continueDownload(shown: string, url: URL, headers: Headers, file: FileHandle, got: Download) {
  const asked = new Headers(headers)
  if (got.length > 0 && got.etag) {
    asked.set('range', `bytes=${got.length}-`)
    asked.set('if-range', got.etag)
  }
  const response = await fetch(url, { headers: asked, signal: abortSignal() })
  const continues = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${got.length}-`)
  if (!continues) got.length = 0
  if (!response.ok) {
    await response.body?.cancel()
    const words = `${response.status} ${response.statusText}`.trim()
    if (isForNow(response.status)) throw new RefusedForNow(words, retryAfter(response))
    throw new UserError(`input ${shown}: the server answered ${words}`)
  }
  await file.truncate(got.length)
  const etag = response.headers.get('etag') ?? ''
  // A weak tag ("W/…") promises the same meaning, not the same bytes.
  got.etag = etag.startsWith('"') ? etag : undefined
  const expected = response.headers.has('content-encoding') ? null : response.headers.get('content-length')
  const end = expected === null ? undefined : got.length + Number(expected)
  for await (const chunk of response.body ?? []) got.length += await writeAt(file, chunk, got.length)
  if (end !== undefined && got.length !== end) throw new Error(`broke off after ${got.length} of ${end} bytes`)
}

/** The server may answer otherwise in a while. */
class RefusedForNow extends Error {
  /** Milliseconds, where the server said so. */
  readonly after: number | undefined

  constructor(words: string, after: number | undefined) {
    super(`the server answered ${words}`)
    this.after = after
  }
}

function isForNow(status: number): boolean {
  return status === 408 || status === 416 || status === 425 || status === 429 || status >= 500
}

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}

const LONGEST_WAIT_MS = 30_000

/** Tries `once` again while it fails with anything but a mistake of the user. */
async function retrying(shown: string, options: FetchOptions, once: () => Promise<void>): Promise<void> {
  const retries = options.retries ?? 4
  const signal = abortSignal()
  for (let attempt = 1; ; attempt++) {
    try {
      return await once()
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof UserError) throw error
      if (attempt > retries) throw gaveUp(shown, error, attempt)
      const growing = (options.retryDelay ?? 500) * 2 ** (attempt - 1)
      const asked = error instanceof RefusedForNow ? error.after : undefined
      await wait(Math.min(asked ?? growing, LONGEST_WAIT_MS), undefined, { signal })
    }
  }
}

function gaveUp(shown: string, error: unknown, attempts: number): Error {
  // `fetch` says only "fetch failed"; what happened is in the cause.
  const cause = (error as Error).cause ?? error
  const words = redact(cause instanceof Error ? cause.message : String(cause))
  const message = `input ${shown}: ${words} (tried ${attempts === 1 ? 'once' : `${attempts} times`})`
  return (cause as NodeJS.ErrnoException).code === 'ENOTFOUND' ? new UserError(message) : new Error(message)
}

/** Lets `fill` write a file, and gives it its name when that is done. */
async function intoFile(folder: string, name: string, fill: (file: FileHandle) => Promise<void>): Promise<string> {
  const path = resolve(folder, name)
  const temporary = join(resolve(folder), `.millrace-${randomBytes(8).toString('hex')}.part`)
  const file = await openIn(folder, temporary)
  try {
    await fill(file).finally(() => file.close())
    await rename(temporary, path)
    return path
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function openIn(folder: string, file: string): Promise<FileHandle> {
  try {
    await mkdir(folder, { recursive: true })
    return await open(file, 'wx')
  } catch (error) {
    throw new UserError(`folder ${folder}: cannot be written to (${(error as NodeJS.ErrnoException).code})`)
  }
}

async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < chunk.length) {
    done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten
  }
  return done
}

const LONGEST_NAME = 120

/** A file name for an input: its own last part, where the alphabet allows, after a hash of all of it. */
function fileName(input: string, shown: string): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 12)
  const own = shown.slice(shown.lastIndexOf('/') + 1).replace(/[^\w.-]/g, '_')
  return `${hash}-${own.slice(-LONGEST_NAME)}`
}

/** An address without what may be secret in it. */
function withoutQuery(input: string): string {
  return input.replace(/[?#].*$/s, '').replace(/^(https?:\/\/)(?:[^/]|secret:\/\/)*@/i, '$1')
}

function basicAuth(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {}
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}
