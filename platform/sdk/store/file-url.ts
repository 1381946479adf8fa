import { resolve } from 'node:path'
import { UserError } from '../errors.ts'

/**
 * The absolute path a `file:` URL names: `file:out` is relative to the working folder, `file:/data` and
 * `file:///data` start at the root. Percent-encoding is undone; "#" and "?" are letters like any other.
 * @param what names the thing in the error, for instance `store file:out`
 * @throws UserError when it names none
 */
export function pathOfFileUrl(what: string, url: string): string {
  const [, host = '', encoded = ''] = /^file:(?:\/\/([^/]*))?(.*)$/is.exec(url) ?? []
  if (host !== '' && host !== 'localhost') {
    throw new UserError(
      `${what}: what follows "file://" up to the next "/" would be another computer`,
      'Write file:out for a folder in the working folder, file:///out for one from the root.',
    )
  }
  const path = decoded(what, encoded)
  if (path === '') throw new UserError(`${what}: the path is missing`, 'The working folder is file:. (with a dot).')
  if (path.includes('\0')) throw new UserError(`${what}: a path has no NUL character`)
  return resolve(process.platform === 'win32' ? path.replace(/^\/(?=[a-z]:)/i, '') : path)
}

function decoded(what: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UserError(`${what}: "%" starts an encoded letter such as %20`, 'A "%" of the name itself is %25.')
  }
}
