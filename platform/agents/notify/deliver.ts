import type { LookupFunction } from 'node:net'
import { secret as environmentSecret, redact, UserError } from '@millrace/sdk'
import { type Delivery, DeliveryError } from './delivery.ts'
import { destination } from './destination.ts'
import { mailOf, sendMail } from './mail.ts'
import { signatureHeaders } from './signature.ts'
import { slackBody } from './slack.ts'
import { smtpSettings } from './smtp-settings.ts'
import { post } from './webhook.ts'

export interface DeliverOptions {
  readonly signal: AbortSignal
  /** Address of the mail server, as {@link smtpSettings} reads it. Without one no mail is sent. */
  readonly smtp?: string | undefined
  /** Gives the value of a secret. @default that of the environment */
  readonly secret?: ((name: string) => string) | undefined
  /** Looks names up. @default that of the system */
  readonly lookup?: LookupFunction | undefined
  /** Milliseconds for the answer of a webhook, or for a step of sending a mail. @default 10 seconds */
  readonly timeout?: number | undefined
}

const TIMEOUT = 10_000
const USER_AGENT = 'millrace/0.1 (+webhook)'

/**
 * Brings an event to whom it is for. Made again, it goes out again, under the same id.
 * @throws DeliveryError when it was not taken; its message names no secret, and may be shown
 */
export async function deliver(delivery: Delivery, options: DeliverOptions): Promise<void> {
  const { signal, smtp, secret = environmentSecret, lookup, timeout = TIMEOUT } = options
  try {
    const to = destination(delivery.to, 'to')
    if (to.kind === 'mail') {
      if (!smtp) throw new DeliveryError('no mail is sent from here: MILLRACE_SMTP is not set')
      const settings = smtpSettings(smtp, secret)
      await sendMail(mailOf(delivery, to.addresses, settings.from), settings, timeout, signal)
    } else {
      const body = to.kind === 'slack' ? slackBody(delivery.event) : webhookBody(delivery)
      await post(to, headersOf(delivery, body, secret), body, { signal, timeout, lookup })
    }
  } catch (error) {
    signal.throwIfAborted()
    throw safe(error)
  }
}

/** What is posted to a webhook. */
function webhookBody({ id, event }: Delivery): string {
  return JSON.stringify({ id, ...event })
}

function headersOf({ id, secret: name }: Delivery, body: string, secret: (name: string) => string) {
  const signed = { id, timestamp: Math.floor(Date.now() / 1000), body }
  return {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': USER_AGENT,
    'webhook-id': id,
    ...(name !== undefined && signatureHeaders(signed, secret(name))),
  }
}

/** An error that may be kept and shown: a mistake of a person may be put right, and then it is tried again. */
function safe(error: unknown): DeliveryError {
  if (!(error instanceof DeliveryError) && !(error instanceof UserError)) throw error
  const { isFinal = false, after = undefined } = error instanceof DeliveryError ? error : {}
  return new DeliveryError(redact(error.message), { isFinal, ...(after !== undefined && { after }) })
}
