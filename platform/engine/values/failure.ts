import { CancelledError, redact, TimeoutError, UserError } from '@millrace/sdk'
import { stackInSources } from './stack-in-sources.ts'

/** An error on its way from one process to another, or to the run store; free of secret values. */
export interface Failure {
  readonly name: string
  readonly message: string
  readonly stack?: string | undefined
  readonly hint?: string | undefined
  readonly cause?: Failure | undefined
}

/** A task failed on a worker that died with it too often. */
export class WorkerDiedError extends Error {
  override name = 'WorkerDiedError'
}

/** A task needed more memory than its slot has. */
export class OutOfMemoryError extends Error {
  override name = 'OutOfMemoryError'
}

const KNOWN = { UserError, CancelledError, TimeoutError, WorkerDiedError, OutOfMemoryError } as const

/** Writes an error down. Causes are followed five deep. */
export function toFailure(error: unknown, depth = 0): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: redact(describe(error)) }
  const cause = error.cause !== undefined && depth < 5 ? toFailure(error.cause, depth + 1) : undefined
  return {
    name: error.name,
    message: redact(error.message),
    ...(error.stack && { stack: redact(stackInSources(error.stack)) }),
    ...(error instanceof UserError && error.hint && { hint: redact(error.hint) }),
    ...(cause && { cause }),
  }
}

/** Makes an error again: of the class it had where that is one of Millrace's, with the stack of where it was thrown. */
export function toError(failure: Failure): Error {
  const Class = Object.hasOwn(KNOWN, failure.name) ? KNOWN[failure.name as keyof typeof KNOWN] : undefined
  const error = Class ? new Class(failure.message, failure.hint as never) : new Error(failure.message)
  if (!Class) error.name = failure.name
  if (failure.stack) error.stack = failure.stack
  if (failure.cause) error.cause = toError(failure.cause)
  return error
}

function describe(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  try {
    return JSON.stringify(thrown) ?? String(thrown)
  } catch {
    return String(thrown)
  }
}
