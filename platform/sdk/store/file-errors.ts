import { UserError } from '../errors.ts'

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

/** Nothing there: also where a part of the path is a file, or all of it a folder. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '')
}

/** A file was opened for writing, so what it held is gone, and not all of its new bytes arrived. */
export function isShortWrite(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'].includes(codeOf(error) ?? '')
}

/** A second name for a file is more than the disk can do; EPERM is what Linux says of it. */
export function isWithoutLinks(error: unknown): boolean {
  const { syscall } = error as NodeJS.ErrnoException
  return syscall === 'link' && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error) ?? '')
}

const IN_THE_WAY = 'a part of its path is an object already, and nothing can be below a file'

/** What a person can mend, by code. */
const WORDS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'a part of its path is too long for the disk',
  ENOENT: 'its folder cannot be made',
  ENOTDIR: IN_THE_WAY,
  EEXIST: IN_THE_WAY,
  EISDIR: 'there are objects below it, so it is a folder',
}

/**
 * An error of the file system in one line. The system's own message names the whole path, which may hold a secret:
 * only its code is kept.
 * @param what for instance `store file:out: cannot write a.json`
 */
export function explain(what: string, error: unknown): Error {
  const code = codeOf(error)
  if (code === undefined) return error instanceof Error ? error : new Error(String(error))
  const words = WORDS[code]
  return words ? new UserError(`${what}: ${words} (${code})`) : new Error(`${what}: ${code}`)
}
