import { UserError } from '@millrace/sdk'

/** Where a notice goes. */
export type Destination =
  | { readonly kind: 'webhook'; readonly url: URL; readonly isLocal: boolean }
  /** Slack takes a text, and shows it. */
  | { readonly kind: 'slack'; readonly url: URL; readonly isLocal: false }
  | { readonly kind: 'mail'; readonly addresses: readonly string[] }

const SLACK = ['hooks.slack.com', 'hooks.slack-gov.com']
const ADDRESS = /^[^\s@<>",;:\\()[\]]+@[^\s@<>",;:\\()[\]]+$/
/** This machine, as an address names it: only here may a webhook go without TLS. */
const LOCAL = /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/**
 * Reads where a notice goes: `https://…`, `http://localhost…`, or `mailto:` with an address or several.
 * @param what names the field in the error
 * @throws UserError when nothing can be sent there
 */
export function destination(to: string, what = '--to'): Destination {
  const url = URL.canParse(to) ? new URL(to) : undefined
  if (url?.protocol === 'mailto:') return mailDestination(url, what)
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw new UserError(
      `${what}: expected "https://…" or "mailto:somebody@example.org", got "${url ? shownUrl(url) : to}"`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new UserError(
      `${what}: ${shownUrl(url)}: an address has no room for a password; sign with a secret, or use a token in the path`,
    )
  }
  const isLocal = LOCAL.test(url.hostname)
  if (url.protocol === 'http:' && !isLocal) {
    throw new UserError(`${what}: ${shownUrl(url)}: expected "https:", for others can read along without it`)
  }
  return SLACK.includes(url.hostname) ? { kind: 'slack', url, isLocal: false } : { kind: 'webhook', url, isLocal }
}

/**
 * An address as it may be shown: whoever knows the path of a Slack webhook can write into its channel, so of a path and
 * a query only the beginning is left.
 */
export function shownDestination(to: string): string {
  if (!URL.canParse(to)) return to
  const url = new URL(to)
  return url.protocol === 'mailto:' ? to : shownUrl(url)
}

function shownUrl(url: URL): string {
  const path = `${url.pathname}${url.search}`
  return `${url.protocol}//${url.host}${path.length > 12 ? `${path.slice(0, 11)}…` : path}`
}

function mailDestination(url: URL, what: string): Destination {
  if (url.search !== '') throw new UserError(`${what}: ${url.href}: expected addresses only, without "?"`)
  const addresses = url.pathname.split(',').map((each) => decoded(each, what).trim())
  const wrong = addresses.find((each) => !ADDRESS.test(each))
  if (wrong !== undefined) throw new UserError(`${what}: "${wrong}" is not an address such as somebody@example.org`)
  return { kind: 'mail', addresses }
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UserError(`${what}: "${text}" is not an address such as somebody@example.org`)
  }
}
