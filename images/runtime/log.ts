import type { LogEntry } from '@millrace/sdk'

type Severity = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL'

const SEVERITY = { debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const satisfies Record<
  LogEntry['level'],
  Severity
>

/** Facts of a line besides its text. */
export type Fields = Readonly<Record<string, unknown>>

/**
 * Writes one line of JSON to standard output, as Cloud Logging reads it: severity, message and time are its own, what
 * else is there is found as `jsonPayload.NAME`. https://cloud.google.com/logging/docs/structured-logging
 */
export function writeLine(severity: Severity, message: string, fields: Fields = {}, time = Date.now()): void {
  const line = { severity, message, time: new Date(time).toISOString(), ...fields }
  process.stdout.write(`${JSON.stringify(line, plain)}\n`)
}

/** A line that a flow, a task or the engine wrote. Its own facts are kept apart from ours. */
export function writeEntry(source: string, { level, message, fields, time }: LogEntry, more: Fields): void {
  writeLine(SEVERITY[level], message, { ...more, source, ...(fields && { fields }) }, time)
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Error ? value.message : value
}
