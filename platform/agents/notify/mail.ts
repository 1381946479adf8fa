import { createTransport } from 'nodemailer'
import { type Delivery, DeliveryError, quote, type RunEnded } from './delivery.ts'
import { facts, headline, nextStep } from './run-words.ts'
import type { SmtpSettings } from './smtp-settings.ts'

/** A mail in plain text, as nodemailer takes it. */
export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
  readonly messageId: string
  readonly headers: Readonly<Record<string, string>>
}

/** Longest subject (characters): longer ones are cut by who shows them. */
const MOST_SUBJECT = 150

/** The mail about a run that is over. */
export function mailOf({ id, event }: Pick<Delivery, 'id' | 'event'>, to: readonly string[], from: string): Mail {
  const domain = from.replace(/^.*@/, '').replace(/>$/, '')
  return {
    from,
    to,
    subject: subjectOf(event),
    text: textOf(event),
    // The same for each attempt: mail that comes twice is shown once.
    messageId: `<${id}@${domain}>`,
    headers: {
      // So that nobody's "I am on holiday" comes back (RFC 3834), and that it can be sorted by who gets it (RFC 2919).
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'List-Id': `Runs of Millrace <runs.millrace.${domain}>`,
    },
  }
}

function subjectOf(event: RunEnded): string {
  const line = `[millrace] ${headline(event)}`.replace(/\s+/g, ' ')
  return line.length > MOST_SUBJECT ? `${line.slice(0, MOST_SUBJECT - 1)}…` : line
}

function textOf(event: RunEnded): string {
  const next = nextStep(event)
  const parts = [
    headline(event),
    ...(event.data.message && event.type !== 'test' ? [event.data.message] : []),
    ...(event.type === 'test' ? [] : [facts(event).join('\n')]),
    ...(next ? [`Its log: ${next}`] : []),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Times (ms) of a step, such as connecting or an answer, that a whole mail may take. */
const STEPS = 3

/**
 * Sends a mail.
 * @param timeout milliseconds that each step may take: connecting, the greeting, an answer
 * @throws DeliveryError
 */
export async function sendMail(mail: Mail, smtp: SmtpSettings, timeout: number, signal: AbortSignal): Promise<void> {
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: smtp.isSecure,
    requireTLS: !smtp.isSecure && !smtp.isLocal,
    // A mail server of this machine has no certificate that its name is on; nobody can read along.
    ignoreTLS: !smtp.isSecure && smtp.isLocal,
    ...(smtp.user !== undefined && { auth: { user: smtp.user, pass: smtp.password } }),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    // Nothing here gives it files or addresses to read its parts from, and nothing shall.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const late = AbortSignal.timeout(STEPS * timeout)
  try {
    const { to, headers } = mail
    await transport.sendMail({ ...mail, to: [...to], headers: { ...headers }, signal: AbortSignal.any([signal, late]) })
  } catch (error) {
    signal.throwIfAborted()
    throw explain(error, smtp)
  } finally {
    transport.close()
  }
}

function explain(error: unknown, { host, port }: SmtpSettings): DeliveryError {
  const { command, responseCode, message } = error as Error & { command?: string; responseCode?: number }
  // Recipients that the server says do not exist (5xx) do not exist later either; all else may be put right.
  const isFinal = command === 'RCPT TO' && responseCode !== undefined && responseCode >= 500
  return new DeliveryError(`${host}:${port} did not take the mail: ${quote(message)}`, { cause: error, isFinal })
}
