import { milliseconds, UserError } from '@millrace/sdk'

/** Reads a whole number, which may be negative. @throws UserError */
export function wholeNumber(text: string, option: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text)
  throw new UserError(`${option}: expected a whole number, got "${text}"`)
}

/** Reads a limit: a whole number, or `none`. @returns null for none @throws UserError */
export function limitOrNone(text: string, option: string, least = 1): number | null {
  if (text === 'none') return null
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text)
  throw new UserError(`${option}: expected a whole number, ${least} or more, or "none", got "${text}"`)
}

/** Reads a time, or how long from now. @returns milliseconds since the epoch @throws UserError */
export function timeAhead(text: string, option: string, now = Date.now()): number {
  if (!/^\d{4}-/.test(text)) return now + milliseconds(text, option)
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new UserError(`${option}: "${text}" is not a time such as 2026-11-20T08:00Z or "2 hours"`)
}
