import { randomBytes } from 'node:crypto'
import { UserError } from '../errors.ts'

/** Names of files that are being written: hidden from lists, and refused as names of objects. */
export const TEMPORARY = /^\.millrace-[0-9a-f]{16}\.part$/

/** A new name for a file that is being written. */
export function temporaryName(): string {
  return `.millrace-${randomBytes(8).toString('hex')}.part`
}

/**
 * Checks the path of an object: parts with "/" between them, that stay in the store, whatever kind of store it is.
 * @returns the path
 * @throws UserError when it does not
 */
export function checkPath(url: string, path: string): string {
  const wrong = wrongPath(path)
  if (wrong) throw new UserError(`store ${url}: path ${JSON.stringify(path)}: ${wrong}`)
  return path
}

/**
 * Checks the start of a path, as `list` takes it: "", "a", "a/", "a/b".
 * @throws UserError when it is no start of any path
 */
export function checkPrefix(url: string, prefix: string): string {
  if (prefix === '') return prefix
  // A letter more makes "a/" a path, and leaves "../" and "/" what they are.
  const wrong = prefix.endsWith('/') ? wrongPath(`${prefix}x`) : wrongPath(prefix)
  if (wrong) throw new UserError(`store ${url}: prefix ${JSON.stringify(prefix)}: ${wrong}`)
  return prefix
}

const SUSPECT = /[\\\0]|^\/|\/$|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|(?:^|\/)\.millrace-/

function wrongPath(path: string): string | undefined {
  if (typeof path !== 'string' || path === '') return 'expected a path such as "areas/2020.json"'
  if (!SUSPECT.test(path)) return undefined
  if (path.includes('\0')) return 'a path has no NUL character'
  if (path.includes('\\')) return 'parts of a path have "/" between them, not "\\"'
  if (path.startsWith('/')) return 'a path is relative to the store: leave out the first "/"'
  const parts = path.split('/')
  if (parts.includes('..') || parts.includes('.')) return 'a path may not leave the store: it has no part "." or ".."'
  if (parts.includes('')) return 'a part between two "/", or after the last, is empty'
  if (parts.some((part) => TEMPORARY.test(part))) return 'names such as .millrace-….part are those of unfinished files'
  return undefined
}
