import { formatDuration } from '@millrace/sdk'
import { type Html, html } from './html.ts'

/** A whole number with its thousands set apart. */
export function number(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** `1 task run`, `1,000 task runs`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}

/** A part (0 to 1) as a percentage. */
export function percent(part: number): string {
  if (part > 0 && part < 0.01) return '<1%'
  return `${Math.round(part * 100)}%`
}

/** Milliseconds for a person; a dash where there are none. */
export function duration(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? '–' : formatDuration(ms)
}

/** `2026-11-20 08:00:00 UTC` */
export function utc(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/**
 * A point in time: in UTC, until the page's script puts it into the reader's own zone.
 * @param short only the time of day, with milliseconds
 */
export function clock(time: number, short = false): Html {
  const iso = new Date(time).toISOString()
  const text = short ? iso.slice(11, 23) : utc(time)
  return html`<time datetime="${iso}" title="${utc(time)}"${short && html` data-short`}>${text}</time>`
}

/** A text of bounded length. */
export function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}… (${number(text.length - most)} more characters)` : text
}
