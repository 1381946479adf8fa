import { createHmac, timingSafeEqual } from 'node:crypto'
import { UserError } from '@millrace/sdk'

/*
 * Webhooks are signed as Standard Webhooks (https://www.standardwebhooks.com, version 1.0.0) has it, so that a receiver
 * can check them with a library of its own language. What is signed is `ID.TIMESTAMP.BODY`.
 */

export const SIGNATURE_HEADERS = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
} as const

/** Bytes: what Standard Webhooks asks of a secret at least. */
const SHORTEST_SECRET = 24
/** Seconds that the clocks of sender and receiver may differ. */
const TOLERANCE = 300
const VERSION = 'v1'

/** What is signed: names the delivery, and says when it was sent. */
export interface Signed {
  readonly id: string
  /** Seconds since the epoch. */
  readonly timestamp: number
  readonly body: string
}

/**
 * The three headers of a signed webhook.
 * @param secret as in {@link verifySignature}
 * @throws UserError when the secret is too short to protect anything
 */
export function signatureHeaders(signed: Signed, secret: string): Record<string, string> {
  const key = keyOf(secret)
  if (key.length < SHORTEST_SECRET) {
    throw new UserError(`the secret that signs is too short: ${SHORTEST_SECRET} bytes at least are needed`)
  }
  return {
    [SIGNATURE_HEADERS.id]: signed.id,
    [SIGNATURE_HEADERS.timestamp]: String(signed.timestamp),
    [SIGNATURE_HEADERS.signature]: `${VERSION},${mac(signed, key).toString('base64')}`,
  }
}

/** A webhook as its receiver got it. */
export interface ReceivedWebhook {
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** As it came over the wire: one that was parsed and written anew may have another signature. */
  readonly body: string | Uint8Array
}

/**
 * For receivers: whether a webhook is from who has the secret, is as it was sent, and was sent in the last five minutes.
 * A webhook that is sent again keeps its `webhook-id`: a receiver that has seen it answers 200 and does nothing.
 *
 * @example
 * const body = await text(request)
 * if (!verifySignature({ headers: request.headers, body }, process.env.WEBHOOK_SIGNING_KEY ?? '')) return reply(401)
 *
 * @param secrets `whsec_` and base64, or any other text, which is taken as it is; several while they are rotated
 * @param now milliseconds since the epoch
 */
export function verifySignature(
  { headers, body }: ReceivedWebhook,
  secrets: string | readonly string[],
  { now = Date.now() }: { readonly now?: number } = {},
): boolean {
  const id = headers[SIGNATURE_HEADERS.id]
  const stamp = headers[SIGNATURE_HEADERS.timestamp]
  const signatures = headers[SIGNATURE_HEADERS.signature]
  if (typeof id !== 'string' || typeof stamp !== 'string' || typeof signatures !== 'string') return false
  if (!/^\d{1,15}$/.test(stamp)) return false
  const timestamp = Number(stamp)
  if (Math.abs(now / 1000 - timestamp) > TOLERANCE) return false
  const signed = { id, timestamp, body: typeof body === 'string' ? body : Buffer.from(body).toString('utf8') }
  // A list, parted by spaces: whoever sends may sign with an old and a new secret.
  const given = signatures
    .split(' ')
    .flatMap((each) => (each.startsWith(`${VERSION},`) ? [Buffer.from(each.slice(VERSION.length + 1), 'base64')] : []))
  return [secrets].flat().some((secret) => {
    const key = keyOf(secret)
    if (key.length === 0) return false
    const expected = mac(signed, key)
    return given.some((each) => each.length === expected.length && timingSafeEqual(each, expected))
  })
}

function mac({ id, timestamp, body }: Signed, key: Buffer): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
}

function keyOf(secret: string): Buffer {
  const [, base64] = /^whsec_(.*)$/.exec(secret) ?? []
  return base64 === undefined ? Buffer.from(secret) : Buffer.from(base64, 'base64')
}
