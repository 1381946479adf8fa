import { UserError } from '../errors.ts'
import { redact } from '../secret.ts'

/**
 * An error of a cloud store, in the cloud's own words. What it refuses for good (no permission, no such bucket) is for
 * a person to mend; what may pass (too many requests, a server's failure, the network) is not, and may be tried again.
 * The client's error is not kept: it holds the request, and with it tokens.
 * @param what for instance `store gs://bucket: cannot write a.json`
 * @param status the status of the answer, where there was one
 */
export function cloudError(what: string, words: string, status: number | undefined): Error {
  const message = `${what}: ${redact(words).replace(/\s+/g, ' ').trim()}`
  const forGood = status !== undefined && status >= 300 && status < 500 && status !== 408 && status !== 429
  return forGood ? new UserError(message) : new Error(message)
}
