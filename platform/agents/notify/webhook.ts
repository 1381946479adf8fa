import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import { addressFault, guardedLookup, refusal } from './addresses.ts'
import { DeliveryError, quote } from './delivery.ts'
import type { Destination } from './destination.ts'

export interface PostOptions {
  readonly signal: AbortSignal
  readonly timeout: number
  readonly lookup?: LookupFunction | undefined
}

/** Bytes of an answer that are read: more than its first words nobody wants. */
const MOST_READ = 4096

/**
 * Posts a body to a webhook. Only 2xx is success. A redirect is not followed, as Standard Webhooks has it: where it
 * leads, nobody has agreed to.
 * @throws DeliveryError
 */
export async function post(
  { url, isLocal }: Exclude<Destination, { kind: 'mail' }>,
  headers: Readonly<Record<string, string>>,
  body: string,
  { signal, timeout, lookup }: PostOptions,
): Promise<void> {
  // An address is not looked up, and so the guarded look-up never sees it.
  const fault = addressFault(url.hostname, { isLocal })
  if (fault) throw refusal(url.hostname, fault)
  const late = AbortSignal.timeout(timeout)
  try {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      lookup: guardedLookup({ isLocal, lookup }),
      signal: AbortSignal.any([signal, late]),
      // A connection of its own: one that is kept may have been closed meanwhile, and deliveries are few.
      agent: false,
    })
    const { response, words } = await answerOf(request, body)
    judge(response, words, url)
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof DeliveryError) throw error
    if (late.aborted) throw new DeliveryError(`${url.host} did not answer within ${timeout / 1000} s`)
    throw new DeliveryError(`${url.host} was not reached: ${quote(reasonOf(error))}`, { cause: error })
  }
}

async function answerOf(request: ClientRequest, body: string): Promise<{ response: IncomingMessage; words: string }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject)
    request.end(body)
  })
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      pieces.push(piece)
      size += piece.length
      if (size >= MOST_READ) break
    }
  } catch (error) {
    // Its answer is known by now; that the rest did not come changes nothing, but that it is too slow does.
    if ((error as Error).name === 'AbortError') throw error
  } finally {
    request.destroy()
  }
  return { response, words: Buffer.concat(pieces).toString('utf8') }
}

function judge({ statusCode = 0, statusMessage = '', headers }: IncomingMessage, words: string, url: URL): void {
  if (statusCode >= 200 && statusCode < 300) return
  const said = `${url.host} answered ${statusCode}${statusMessage ? ` ${quote(statusMessage)}` : ''}`
  if (statusCode === 410) throw new DeliveryError(`${said}: it wants no more of them`, { isFinal: true })
  if (statusCode >= 300 && statusCode < 400) {
    throw new DeliveryError(`${said}: redirects are not followed; give the rule the address it leads to`)
  }
  const after = retryAfter(headers['retry-after'])
  throw new DeliveryError(words.trim() ? `${said}: ${quote(words)}` : said, {
    ...(after !== undefined && { after }),
  })
}

/** Seconds, or a date (RFC 9110, 10.2.3). @returns milliseconds */
export function retryAfter(text: string | undefined, now = Date.now()): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : Math.max(0, time - now)
}

/** Why a connection failed; where several addresses were tried, why the first did. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error
  return first instanceof Error ? first.message : String(first)
}
