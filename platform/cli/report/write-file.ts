import { rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '@millrace/sdk'

const REASONS: Record<string, string> = {
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EROFS: 'the disk is read-only',
  ENOENT: 'the folder does not exist',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
}

/**
 * Writes a file that is either there as a whole or not at all: an earlier one stays as it was until then.
 * @param option names the command-line option in the error
 * @throws UserError when it cannot be written
 */
export async function writeWhole(path: string, text: string, option: string): Promise<void> {
  const target = resolve(path)
  const draft = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`)
  try {
    await writeFile(draft, text)
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new UserError(`${option}: cannot write ${path}: ${REASONS[code] ?? message}`)
  }
}
