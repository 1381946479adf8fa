import { closeSync, openSync, readSync } from 'node:fs'
import { UserError } from '@millrace/sdk'

/** What DuckDB says when the machine, not the file, is the trouble. */
const MACHINE = /^(Out of Memory|Interrupt|INTERNAL|Fatal)|No space left|failed to (write|offload|pin)/i

/**
 * The error to show when a parquet file cannot be read: one line that names the file.
 * Errors that are not the file's fault are handed back as they are.
 */
export function unreadable(name: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof UserError || MACHINE.test(error.message)) return error
  const reason = (error.message.split('\n')[0] ?? '').replaceAll(path, name)
  return new UserError(
    `datacube: ${name}: cannot be read as parquet: ${reason}`,
    isGzip(path) ? 'The file is gzipped as a whole: unzip it. (Gzip inside the parquet file is fine.)' : undefined,
  )
}

function isGzip(path: string): boolean {
  try {
    const start = Buffer.alloc(2)
    const file = openSync(path, 'r')
    readSync(file, start)
    closeSync(file)
    return start[0] === 0x1f && start[1] === 0x8b
  } catch {
    return false
  }
}
