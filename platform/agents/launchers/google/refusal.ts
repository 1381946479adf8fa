import { UserError } from '@millrace/sdk'
import { LaunchError } from '../../launcher.ts'

/** Google's codes, in the order of their numbers: https://google.aip.dev/193, google.rpc.Code. */
const CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const
export type GoogleCode = (typeof CODES)[number]

/** Where the body does not say, because a front end answers, or a proxy. */
const CODE_OF_STATUS: Readonly<Record<number, GoogleCode>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  501: 'UNIMPLEMENTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** What Google says no with. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly code: GoogleCode
  /** How long (ms) to wait before the next try, where it says. */
  readonly after: number | undefined
  /** The permission that is missing, where it says. */
  readonly permission: string | undefined

  constructor(code: GoogleCode, message: string, more: { readonly after?: number; readonly permission?: string } = {}) {
    super(message)
    this.code = code
    this.after = more.after
    this.permission = more.permission
  }
}

/** No answer came: whether what was asked for is done is not known. */
export class NoAnswer extends Error {
  override name = 'NoAnswer'
}

interface ErrorBody {
  readonly message?: string
  readonly status?: string
  readonly details?: readonly {
    readonly '@type'?: string
    readonly retryDelay?: string
    readonly metadata?: { readonly permission?: string }
  }[]
}

/** The refusal in an answer that is none of success. */
export function readRefusal(status: number, headers: Headers, body: string): Refusal {
  const error = errorIn(body)
  const code = CODES.find((each) => each === error?.status) ?? CODE_OF_STATUS[status] ?? 'UNAVAILABLE'
  const details = error?.details ?? []
  const permission = details.find(({ metadata }) => metadata?.permission)?.metadata?.permission
  const delay = details.find((detail) => detail['@type']?.endsWith('google.rpc.RetryInfo'))?.retryDelay
  const after = seconds(headers.get('retry-after')) ?? seconds(delay)
  return new Refusal(code, error?.message || `HTTP ${status}`, {
    ...(after !== undefined && { after }),
    ...(permission !== undefined && { permission }),
  })
}

function errorIn(body: string): ErrorBody | undefined {
  try {
    return (JSON.parse(body) as { readonly error?: ErrorBody }).error
  } catch {
    return undefined
  }
}

/** "7", or "7s" as Google writes durations; in milliseconds. */
function seconds(text: string | null | undefined): number | undefined {
  const [, number] = /^(\d+(?:\.\d+)?)s?$/.exec(text ?? '') ?? []
  return number === undefined ? undefined : Number(number) * 1000
}

/** What went wrong in a call of one of Google's clients, which wrap it once or more; undefined for a defect of ours. */
export function causeOf(error: unknown): Refusal | NoAnswer | undefined {
  for (const each of chain(error)) if (each instanceof Refusal || each instanceof NoAnswer) return each
  // How an operation ended comes as an error with the number of a code.
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'number' ? CODES[error.code] : undefined
  return code && error instanceof Error ? new Refusal(code, error.message) : undefined
}

function* chain(error: unknown): Generator<Error> {
  for (let each = error; each instanceof Error; each = each.cause) yield each
}

export function isRefusal(error: unknown, ...codes: readonly GoogleCode[]): boolean {
  const cause = causeOf(error)
  return cause instanceof Refusal && codes.includes(cause.code)
}

/**
 * As an agent is told of it.
 * @param what was tried: "create the job millrace-…"
 */
export function launchError(what: string, error: unknown): unknown {
  const known = [...chain(error)].find((each) => each instanceof LaunchError || each instanceof UserError)
  if (known) return known
  const cause = causeOf(error)
  if (!cause) return error
  const says = `Cannot ${what}: ${cause.message}`
  if (cause instanceof NoAnswer) return new LaunchError('busy', says, { cause })
  const { after, permission } = cause
  const kind = kindOf(cause)
  const isNamed = permission === undefined || cause.message.includes(permission)
  return new LaunchError(kind, kind === 'denied' && !isNamed ? `${says} (${permission})` : says, {
    cause,
    ...(after !== undefined && { after }),
  })
}

/** Whether trying again may help. */
export function mayPass(error: unknown): boolean {
  const known = launchError('', error)
  return known instanceof LaunchError && known.kind === 'busy'
}

function kindOf({ code, message }: Refusal): LaunchError['kind'] {
  switch (code) {
    case 'PERMISSION_DENIED':
    case 'UNAUTHENTICATED':
      return 'denied'
    case 'INVALID_ARGUMENT':
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'FAILED_PRECONDITION':
    case 'OUT_OF_RANGE':
    case 'UNIMPLEMENTED':
      return 'refused'
    case 'RESOURCE_EXHAUSTED':
      return isAboutMachines(message) ? 'refused' : 'busy'
    default:
      return 'busy'
  }
}

/**
 * One code stands for two things. Too many requests pass by themselves. A quota of CPUs or GPUs, of which Vertex AI says
 * "The following quota metrics exceed quota limits", does not: what only waits for others to end it takes, and queues.
 */
function isAboutMachines(message: string): boolean {
  return /quota metrics? exceeds? quota limit/i.test(message)
}
