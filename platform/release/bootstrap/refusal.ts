import { UserError } from '@millrace/sdk'

/** What was asked of Google Cloud, as far as an error has to tell it. */
export interface Asked {
  /** A sentence begun: `make the bucket gs://…`. */
  readonly what: string
  /** What the person must be allowed for it, as IAM calls it. */
  readonly permission: string
  readonly project: string
}

/** Google Cloud did not do what it was asked for; why, in one line that a person can act on. */
export class Refusal extends UserError {
  /** As HTTP has it; 503 also where there was no answer. */
  readonly status: number
  /** Google's own word for it, such as SERVICE_DISABLED. */
  readonly reason: string | undefined

  constructor(status: number, reason: string | undefined, message: string, hint?: string) {
    super(message, hint)
    this.status = status
    this.reason = reason
  }
}

/** Google's errors: newer APIs give `details`, Cloud Storage gives `errors`. */
export interface GoogleError {
  readonly message?: string
  readonly errors?: readonly { readonly reason?: string }[]
  readonly details?: readonly ErrorInfo[]
}

interface ErrorInfo {
  readonly reason?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** The last word of each is Cloud Storage's. */
const NO_BILLING = ['UREQ_PROJECT_BILLING_NOT_FOUND', 'BILLING_DISABLED', 'accountDisabled']
const API_OFF = ['SERVICE_DISABLED', 'accessNotConfigured']

/** What to do when Google does not know who asks. */
export const LOG_IN = 'Log in: gcloud auth application-default login'
const RUN_AGAIN = 'What was done stays done: run it again in a while.'

/** Whether a call failed because its API is not switched on, or not yet. */
export function isApiOff(error: unknown): boolean {
  return error instanceof Refusal && error.reason !== undefined && API_OFF.includes(error.reason)
}

/** Whether a call failed with one of these statuses of HTTP. */
export function isStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof Refusal && statuses.includes(error.status)
}

/** What an error of Google's comes to: in our words where we know the way out, in its own where not. */
export function refusal(asked: Asked, status: number, error: GoogleError): Refusal {
  const { what, project } = asked
  const info = error.details?.find((each) => each.reason !== undefined)
  const reason = info?.reason ?? error.errors?.[0]?.reason
  const say = (message: string, hint?: string): Refusal => new Refusal(status, reason, message, hint)
  if (status === 401) return say(`cannot ${what}: Google does not know who asks`, LOG_IN)
  if (reason === 'CONSUMER_INVALID') {
    return say(`cannot ${what}: there is no project "${project}", or it is not yours to see`)
  }
  if (reason !== undefined && NO_BILLING.includes(reason)) {
    const link = `gcloud billing projects link ${project} --billing-account ACCOUNT`
    return say(`cannot ${what}: the project ${project} has no billing account`, `Link one: ${link}`)
  }
  if (reason !== undefined && API_OFF.includes(reason)) {
    const api = info?.metadata?.service ?? 'its API'
    const enable = `gcloud services enable ${api} --project ${project}`
    return say(`cannot ${what}: ${api} is not switched on in the project ${project}`, `Switch it on: ${enable}`)
  }
  if (status === 403) {
    const permission = missingPermission(asked, info, error)
    return say(
      `cannot ${what}: you lack the permission ${permission} in the project ${project}`,
      `Ask an owner of the project for it, or to run this. Google says: ${wordsOf(error)}`,
    )
  }
  return say(`cannot ${what}: ${wordsOf(error)} (${status})`, status === 429 || status >= 500 ? RUN_AGAIN : undefined)
}

/** The refusal for a call that got no answer. */
export function unreachable({ what }: Asked, host: string, error: unknown): Refusal {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const words = cause instanceof Error ? cause.message : String(cause)
  return new Refusal(503, undefined, `cannot ${what}: ${host} does not answer: ${words}`, RUN_AGAIN)
}

/** Google may name the permission, in details or in words; else it is the one that the call is known to need. */
function missingPermission({ permission }: Asked, info: ErrorInfo | undefined, { message = '' }: GoogleError): string {
  // The project itself may not be used by who asks, whatever for.
  if (info?.reason === 'USER_PROJECT_DENIED') return 'serviceusage.services.use'
  return (
    info?.metadata?.permission ??
    /\b[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+(?='? (?:denied|access))/.exec(message)?.[0] ??
    permission
  )
}

function wordsOf({ message }: GoogleError): string {
  return message?.replace(/\s+/g, ' ').trim() || 'Google gives no reason'
}
