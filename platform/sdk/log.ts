import { inspect } from 'node:util'
import { currentScope, type LogLevel, type Progress } from './scope.ts'
import { redact, redactDeep } from './secret.ts'

type Fields = Readonly<Record<string, unknown>>

function write(level: LogLevel, message: string, fields?: Fields): void {
  const scope = currentScope()
  const entry = {
    time: Date.now(),
    level,
    message: redact(message),
    ...(fields && { fields: redactDeep(fields) }),
  }
  if (scope) scope.log(entry)
  else if (level !== 'debug')
    process.stderr.write(`${entry.message}${entry.fields ? ` ${writeFields(entry.fields)}` : ''}\n`)
}

/** As JSON where there is a form for them in it; a log line must not fail. */
function writeFields(fields: Fields): string {
  try {
    return JSON.stringify(fields, (_, value) => {
      if (typeof value === 'bigint') return String(value)
      return value instanceof Error ? value.message : value
    })
  } catch {
    return inspect(fields, { breakLength: Number.POSITIVE_INFINITY, compact: true })
  }
}

/**
 * Log lines of the run: seen as they come, kept in the run store, free of secret values.
 * Outside a run they go to standard error.
 * @example log.info('loaded', { rows: 120 })
 */
export const log = {
  debug: (message: string, fields?: Fields): void => write('debug', message, fields),
  info: (message: string, fields?: Fields): void => write('info', message, fields),
  warn: (message: string, fields?: Fields): void => write('warn', message, fields),
  error: (message: string, fields?: Fields): void => write('error', message, fields),
}

/**
 * Says how far the current task has come: `progress(3, 10)`, `progress(3, 10, 'files')`.
 * Calls may come as often as they like; only the latest is sent.
 */
export function progress(done: number, total?: number, unit?: string): void {
  const value: Progress = { done, ...(total !== undefined && { total }), ...(unit !== undefined && { unit }) }
  currentScope()?.progress(value)
}
