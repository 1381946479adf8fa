import { STATUS_CODES } from 'node:http'
import { ApiException } from '@kubernetes/client-node'
import { LaunchError } from '../../launcher.ts'

/** What the API says of what it did not do: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status */
export interface ApiStatus {
  readonly code: number
  /** `AlreadyExists`, `Forbidden` … */
  readonly reason?: string
  readonly message: string
  /** How long (ms) to wait. */
  readonly after?: number
}

/** What the API said; undefined where it did not answer. */
export function statusOf(error: unknown): ApiStatus | undefined {
  if (!(error instanceof ApiException)) return undefined
  const { reason, message, details } = bodyOf(error.body)
  const seconds = Number(error.headers['retry-after'] ?? details?.retryAfterSeconds)
  return {
    code: error.code,
    message: message?.trim() || `HTTP status ${error.code}, ${STATUS_CODES[error.code] ?? 'unknown'}`,
    ...(reason && { reason }),
    ...(seconds > 0 && { after: seconds * 1000 }),
  }
}

interface StatusBody {
  readonly reason?: string
  readonly message?: string
  readonly details?: { readonly retryAfterSeconds?: number }
}

/** The body is an object, its text, or a few plain words, depending on who answers: the API, or something before it. */
function bodyOf(body: unknown): StatusBody {
  if (typeof body === 'object' && body !== null) return body
  if (typeof body !== 'string') return {}
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return { message: body.slice(0, 500) }
  }
}

/** @param what for example "create the job millrace-x-1" */
export function launchError(what: string, error: unknown): LaunchError {
  const status = statusOf(error)
  if (!status) return unanswered(what, error)
  const { message, after } = status
  return new LaunchError(kindOf(status), `kubernetes: cannot ${what}: ${message}`, after === undefined ? {} : { after })
}

function kindOf({ code, message }: ApiStatus): LaunchError['kind'] {
  if (code === 401) return 'denied'
  if (code === 403) return kindOfForbidden(message)
  // "Conflict" is about something that changes just now. A timeout and "gone" pass, too.
  if (code === 408 || code === 409 || code === 410 || code === 429) return 'busy'
  return code < 500 ? 'refused' : 'busy'
}

/**
 * Rights, quotas and admission all say "forbidden". A quota has room when others end. About rights the words are
 * `User "…" cannot create resource "jobs" in API group "batch" in the namespace "…"`, or name a permission of Google's.
 */
function kindOfForbidden(message: string): LaunchError['kind'] {
  if (/exceeded quota/.test(message)) return 'busy'
  return /cannot \w+ resource|permission/i.test(message) || !/is forbidden:|denied the request/.test(message)
    ? 'denied'
    : 'refused'
}

/**
 * No answer, or half of one: whether it was done is not known. Credentials that cannot be read come here as well, and what
 * their program printed is not shown.
 */
function unanswered(what: string, error: unknown): LaunchError {
  if (error instanceof SyntaxError) {
    return new LaunchError('busy', `kubernetes: cannot ${what}: the answer, or the credentials for it, are not JSON.`)
  }
  return new LaunchError('busy', `kubernetes: cannot ${what}: ${wordsOf(error)}`, { cause: error })
}

/** `fetch failed` says nothing: its cause does. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof AggregateError && cause.errors.length > 0) return wordsOf(cause.errors[0])
  return cause instanceof Error ? wordsOf(cause) : error.message
}
