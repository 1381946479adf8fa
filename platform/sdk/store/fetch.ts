import { createHash } from 'node:crypto'
import { access, constants, type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UserError } from '../errors.ts'
import { redact, resolveSecrets } from '../secret.ts'
import { codeOf, isMissing } from './file-errors.ts'
import { pathOfFileUrl } from './file-url.ts'
import { makeFolder } from './folders.ts'
import { temporaryName } from './path.ts'
import { retrying } from './retry.ts'
import { type StoreOptions, store } from './store.ts'
import { downloadTo, type WebOptions, withoutSecrets, writeAt } from './web.ts'

/** How {@link fetchToFile} gets an input. */
export interface FetchOptions extends StoreOptions, WebOptions {}

/**
 * Gives a local file for an input: a local path, or a `file:`, `https:`, `http:`, `gs:` or `s3:` URL.
 * A local file is left where it is. Anything else is streamed into `folder`, under a name made of the input's own
 * and a hash of its address, so that inputs of the same name do not meet; the file appears when it is whole.
 * `secret://` references in the input are resolved; messages leave out what may be secret (a query, a password).
 *
 * @returns the absolute path of the file
 * @throws UserError naming the input, when it is not there or may not be read
 */
export async function fetchToFile(input: string, folder: string, options: FetchOptions = {}): Promise<string> {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(input)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
      return localFile(input, resolve(resolveSecrets(input)))
    case 'file':
      return localFile(input, pathOfFileUrl(`input ${input}`, resolveSecrets(input)))
    case 'http':
    case 'https':
      return intoFile(folder, input, (file) => downloadTo(file, input, options))
    case 'gs':
    case 's3':
      return intoFile(folder, input, (file) => copyTo(file, input, options))
    default:
      throw new UserError(
        `input ${input}: cannot read from ${scheme}:`,
        'An input is a local path, or a file:, https:, gs: or s3: URL.',
      )
  }
}

async function localFile(input: string, path: string): Promise<string> {
  try {
    const stats = await stat(path)
    if (!stats.isFile()) throw new UserError(`input ${input}: is a folder, expected a file`)
    await access(path, constants.R_OK)
    return path
  } catch (error) {
    if (error instanceof UserError) throw error
    if (!isMissing(error)) throw new UserError(`input ${input}: cannot be read (${codeOf(error)})`)
    throw new UserError(`input ${input}: there is no such file`, `Paths are relative to ${process.cwd()}.`)
  }
}

/** Streams an object of a bucket into a file. */
async function copyTo(file: FileHandle, input: string, options: FetchOptions): Promise<void> {
  const bucket = /^[a-z0-9]+:\/\/(?:secret:\/\/)?[^/]+/i.exec(input)?.[0]
  const path = resolveSecrets(input.slice((bucket ?? input).length + 1))
  if (!bucket || !path) {
    throw new UserError(`input ${input}: names no object`, 'It is written gs://bucket/path or s3://bucket/path.')
  }
  const source = store(bucket, options)
  await retrying(`input ${input}`, options, async () => {
    try {
      await file.truncate(0)
      let length = 0
      for await (const chunk of source.stream(path)) length += await writeAt(file, chunk, length)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      throw new UserError(`input ${input}: ${redact(error.message).replace(`store ${bucket}: `, '')}`, error.hint)
    }
  })
}

/** Lets `fill` write a file, and gives it its name when that is done. */
async function intoFile(folder: string, input: string, fill: (file: FileHandle) => Promise<void>): Promise<string> {
  const path = resolve(folder, fileName(input))
  const temporary = join(resolve(folder), temporaryName())
  const file = await openIn(folder, temporary)
  try {
    await fill(file).finally(() => file.close())
    await rename(temporary, path)
    return path
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function openIn(folder: string, file: string): Promise<FileHandle> {
  try {
    makeFolder(resolve(folder))
    return await open(file, 'wx')
  } catch (error) {
    throw new UserError(`folder ${folder}: cannot be written to (${codeOf(error)})`)
  }
}

const LONGEST_NAME = 120

/** A file name for an input: its own last part, where the alphabet allows, after a hash of all of it. */
function fileName(input: string): string {
  const hash = createHash('sha256').update(input).digest('hex').slice(0, 12)
  const address = input.startsWith('http') ? withoutSecrets(input) : input
  const own = address.slice(address.lastIndexOf('/') + 1).replace(/[^\w.-]/g, '_')
  return `${hash}-${own.slice(-LONGEST_NAME)}`
}
