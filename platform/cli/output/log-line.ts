import { styleText } from 'node:util'
import type { LogEntry, LogLevel } from '@millrace/sdk'

const COLOR = { debug: 'gray', info: 'reset', warn: 'yellow', error: 'red' } as const satisfies Record<LogLevel, string>

/** One log line for a person: time, source, message, fields. */
export function formatLog(source: string, entry: LogEntry): string {
  const time = new Date(entry.time).toTimeString().slice(0, 8)
  const level = entry.level === 'warn' || entry.level === 'error' ? `${entry.level}: ` : ''
  const fields = entry.fields
    ? Object.entries(entry.fields).map(
        ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
    : []
  const text = `${level}${entry.message}${fields.join('')}`
  return `${paint('gray', `${time} ${source}`)} ${paint(COLOR[entry.level], text)}`
}

/** Colours a text where standard error is a terminal that shows colours. */
export function paint(color: Parameters<typeof styleText>[0], text: string): string {
  return styleText(color, text, { stream: process.stderr })
}
