import type { FileHandle } from 'node:fs/promises'
import { UserError } from '../errors.ts'
import { abortSignal } from '../scope.ts'
import { resolveSecrets } from '../secret.ts'
import { type RetryOptions, refusedForNow, retrying } from './retry.ts'

/** How a file is got from the web. */
export interface WebOptions extends RetryOptions {
  /** Sent with requests to http(s) addresses; `secret://` references are resolved. */
  headers?: Record<string, string>
}

/**
 * Streams a web address into a file. A download that broke off goes on where it stopped, where the server can.
 * @throws UserError when the server says that it is not there, or may not be read
 */
export async function downloadTo(file: FileHandle, address: string, options: WebOptions): Promise<void> {
  const what = `input ${withoutSecrets(address)}`
  const target = resolveSecrets(address)
  if (!URL.canParse(target)) throw new UserError(`${what}: is not a web address`)
  const url = new URL(target)
  const headers = new Headers({ ...basicAuth(url), ...resolveSecrets(options.headers) })
  // The file itself: parts of a compressed answer could not be put together.
  headers.set('accept-encoding', 'identity')
  url.username = ''
  url.password = ''
  const got: Download = { what, length: 0, etag: undefined }
  await retrying(what, options, () => goOn(got, url, headers, file))
}

/** An address without what may be secret in it: a query, a password. */
export function withoutSecrets(address: string): string {
  return address.replace(/[?#].*$/s, '').replace(/^(https?:\/\/)(?:[^/]|secret:\/\/)*@/i, '$1')
}

interface Download {
  readonly what: string
  /** Bytes that are in the file. */
  length: number
  /** The version that they are of. */
  etag: string | undefined
}

/** Gets the rest of a file: all of it where the server cannot give parts, or has another version by now. */
async function goOn(got: Download, url: URL, headers: Headers, file: FileHandle): Promise<void> {
  const asked = new Headers(headers)
  if (got.length > 0 && got.etag) {
    asked.set('range', `bytes=${got.length}-`)
    asked.set('if-range', got.etag)
  }
  const response = await fetch(url, { headers: asked, signal: abortSignal() })
  const goesOn = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${got.length}-`)
  if (!goesOn) got.length = 0
  if (!response.ok) await refuse(got.what, response)
  await file.truncate(got.length)
  got.etag = strongTag(response)
  for await (const chunk of response.body ?? []) got.length += await writeAt(file, chunk, got.length)
}

async function refuse(what: string, response: Response): Promise<never> {
  await response.body?.cancel()
  const words = `the server answered ${response.status} ${response.statusText}`.trim()
  throw refusedForNow(response, words) ?? new UserError(`${what}: ${words}`)
}

/** The version of a file; a weak tag (`W/"…"`) promises the same meaning, not the same bytes. */
function strongTag(response: Response): string | undefined {
  const etag = response.headers.get('etag')
  return etag?.startsWith('"') ? etag : undefined
}

function basicAuth(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {}
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** Writes all of `chunk` at `position`. @returns its length */
export async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < chunk.length) {
    done += (await file.write(chunk, done, chunk.length - done, position + done)).bytesWritten
  }
  return done
}
