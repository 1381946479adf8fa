import { UserError } from '../errors.ts'
import { cloudError } from './cloud-errors.ts'

/** What the client throws: an ApiError, or an error of the network. */
interface ClientError extends Error {
  readonly code?: number | string
  readonly errors?: readonly { readonly message?: string }[]
}

/** Whether an error says that an object is not there, though its bucket is. */
export function isMissing(error: unknown): boolean {
  const { code, message } = error as ClientError
  return Number(code) === 404 && !isNoBucket(message)
}

/** Whether an error says that there is an object, where there was to be none. */
export function isTaken(error: unknown): boolean {
  return Number((error as ClientError).code) === 412
}

/** Whether the words of a 404 are about the bucket. */
export function isNoBucket(words: string): boolean {
  return /bucket does not exist/i.test(words)
}

/** Whether an error says that the machine has no credentials. */
export function isNoCredentials(error: unknown): boolean {
  return /could not load the default credentials/i.test((error as Error).message)
}

/** An error of the client in one line. */
export function explain(what: string, error: unknown): Error {
  if (isNoCredentials(error)) {
    return new UserError(`${what}: there are no Google credentials`, 'Log in: gcloud auth application-default login.')
  }
  const { code, errors, message } = error as ClientError
  const status = Number(code)
  return cloudError(what, errors?.[0]?.message || message, Number.isInteger(status) ? status : undefined)
}
