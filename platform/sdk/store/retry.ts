import { setTimeout as wait } from 'node:timers/promises'
import { UserError } from '../errors.ts'
import { abortSignal } from '../scope.ts'
import { redact } from '../secret.ts'

/** How often, and after how long, a download is tried again. */
export interface RetryOptions {
  /** How often a download that broke off, or was refused for now, is tried again. @default 4 */
  retries?: number
  /** Milliseconds before the first retry; doubled each time, up to half a minute. @default 500 */
  retryDelay?: number
}

/** The server may answer otherwise in a while. */
export class RefusedForNow extends Error {
  /** Milliseconds to wait, where the server said so. */
  readonly after: number | undefined

  constructor(message: string, after: number | undefined) {
    super(message)
    this.after = after
  }
}

/** The error for an answer that may be another one in a while; undefined for all others. */
export function refusedForNow(response: Response, words: string): RefusedForNow | undefined {
  const { status } = response
  // 416: the part that was asked for is not there (any more); the next try asks for all of it.
  if (![408, 416, 425, 429].includes(status) && status < 500) return undefined
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new RefusedForNow(words, Number.isFinite(seconds) ? seconds * 1000 : undefined)
}

const LONGEST_WAIT_MS = 30_000

/**
 * Tries `once` again while it fails with anything but a mistake of the user; stops when the run is cancelled.
 * @param what names the thing in the error, for instance `input https://…`
 */
export async function retrying<T>(what: string, options: RetryOptions, once: () => Promise<T>): Promise<T> {
  const { retries = 4, retryDelay = 500 } = options
  const signal = abortSignal()
  for (let attempt = 1; ; attempt++) {
    try {
      return await once()
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof UserError) throw error
      if (attempt > retries) throw gaveUp(what, error, attempt)
      const asked = error instanceof RefusedForNow ? error.after : undefined
      const delay = Math.min(asked ?? retryDelay * 2 ** (attempt - 1), LONGEST_WAIT_MS)
      // When the run is cancelled here, the next attempt finds out and ends with the run's own reason.
      await wait(delay, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}

function gaveUp(what: string, error: unknown, attempts: number): Error {
  const message = `${what}: ${redact(causeOf(error))} (tried ${attempts === 1 ? 'once' : `${attempts} times`})`
  const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  return code === 'ENOTFOUND' ? new UserError(message) : new Error(message)
}

/** What happened, of an error of `fetch`: that itself says only "fetch failed". */
export function causeOf(error: unknown): string {
  const cause = (error as Error).cause ?? error
  return cause instanceof Error ? cause.message : String(cause)
}
