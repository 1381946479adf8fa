import { createHash } from 'node:crypto'
import type { File, Storage } from '@google-cloud/storage'
import type { UserError } from '../errors.ts'
import { abortSignal } from '../scope.ts'
import { cloudError } from './cloud-errors.ts'
import { isNoBucket, isNoCredentials } from './gcs-errors.ts'
import { causeOf, refusedForNow, retrying } from './retry.ts'

/**
 * The bytes of an object, checked against the MD5 that the cloud has of it, where it has one.
 *
 * The client's own `createReadStream` is not used (8.4): a reader that stops early breaks the connections of all
 * other requests of the process, each download prints a warning about listeners, and the bytes are checked by a
 * CRC-32C in JavaScript, at 63 MB/s. The client's credentials and endpoint are.
 *
 * @param what names the act in errors, for instance `store gs://bucket: cannot read a.json`
 * @param missing is thrown when there is no such object
 */
export async function* readObject(file: File, what: string, missing: UserError): AsyncGenerator<Uint8Array> {
  const response = await open(file, what, missing)
  const expected = md5Of(response.headers)
  const hash = createHash('md5')
  try {
    for await (const piece of response.body ?? []) {
      hash.update(piece)
      yield piece
    }
  } catch (error) {
    abortSignal().throwIfAborted()
    throw cloudError(what, causeOf(error), undefined)
  }
  if (expected !== undefined && hash.digest('base64') !== expected) {
    throw new Error(`${what}: the bytes that arrived are not those that were written (their MD5 differs)`)
  }
}

/** The answer to the question for the bytes, when it is a good one. */
async function open({ bucket, name, storage }: File, what: string, missing: UserError): Promise<Response> {
  const url = `${storage.apiEndpoint}/storage/v1/b/${bucket.name}/o/${encodeURIComponent(name)}?alt=media`
  return retrying(what, {}, async () => {
    const headers = storage.customEndpoint ? undefined : await credentials(storage.authClient, url)
    const response = await fetch(url, { ...(headers && { headers }), signal: abortSignal() })
    if (response.ok) return response
    const words = await response.text()
    if (response.status === 404 && !isNoBucket(words)) throw missing
    throw refusedForNow(response, words) ?? cloudError(what, words, response.status)
  })
}

/** None where the machine has none: then only what all may read can be read, and the cloud says so of the rest. */
async function credentials(auth: Storage['authClient'], url: string): Promise<Headers | undefined> {
  try {
    return await auth.getRequestHeaders(url)
  } catch (error) {
    if (isNoCredentials(error)) return undefined
    throw error
  }
}

/** None where the object was put together from others, or is kept compressed. */
function md5Of(headers: Headers): string | undefined {
  if (headers.get('x-goog-stored-content-encoding') !== 'identity') return undefined
  return /md5=([^,\s]+)/.exec(headers.get('x-goog-hash') ?? '')?.[1]
}
