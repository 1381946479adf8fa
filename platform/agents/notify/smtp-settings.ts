import { UserError } from '@millrace/sdk'

/** The mail server that notices are sent through. */
export interface SmtpSettings {
  readonly host: string
  readonly port: number
  /** TLS from the first byte; otherwise it is asked for (STARTTLS), and must be had unless the server is this machine. */
  readonly isSecure: boolean
  readonly isLocal: boolean
  readonly user?: string
  readonly password?: string
  /** Whom mail is from. */
  readonly from: string
}

const PORTS: Readonly<Record<string, number>> = { 'smtps:': 465, 'smtp:': 587 }
const SECRET = /secret:\/\/([\w-]*)/g
const EXAMPLE = 'smtps://mailer:secret://smtp-password@mail.example.org?from=millrace@example.org'

/**
 * Reads the address of a mail server: `smtps://USER:secret://NAME@HOST:PORT?from=ADDRESS`; `smtp:` for one that
 * changes to TLS after it was greeted (STARTTLS).
 * @param secret gives the value of a secret
 * @throws UserError when it is none; the text is not in the message, for it may hold a password
 */
export function smtpSettings(text: string, secret: (name: string) => string): SmtpSettings {
  const resolved = text.replaceAll(SECRET, (_, name: string) => encodeURIComponent(secret(name)))
  const url = URL.canParse(resolved) ? new URL(resolved) : undefined
  const port = url && PORTS[url.protocol]
  if (!url || port === undefined || url.hostname === '') {
    throw new UserError('MILLRACE_SMTP is not the address of a mail server', `Expected for instance ${EXAMPLE}`)
  }
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
  const from = url.searchParams.get('from') ?? (user.includes('@') ? user : '')
  if (from === '') {
    throw new UserError('MILLRACE_SMTP does not say whom mail is from', 'Add ?from=millrace@example.org to it.')
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? port : Number(url.port),
    isSecure: url.protocol === 'smtps:',
    isLocal: /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname),
    ...(user !== '' && { user, password }),
    from,
  }
}
