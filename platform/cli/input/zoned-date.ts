import { nextTimes } from '@millrace/engine'
import { UserError } from '@millrace/sdk'

/** A day is at most this much (ms) apart from the same day of UTC. */
const MOST_APART = 26 * 3_600_000

/**
 * Reads a point in time: `2026-01-01` and `2026-01-01T06:00` by the clocks of a time zone, or with an offset (`…Z`).
 * One that clocks leave out in spring is the next that there is.
 * @throws UserError
 */
export function zonedDate(text: string, timezone: string, option: string): Date {
  const [, year, month, day, hour = '0', minute = '0'] =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d))?$/.exec(text.trim())?.map((part) => part ?? undefined) ?? []
  if (year === undefined) {
    const time = /(Z|[+-]\d\d:?\d\d)$/.test(text.trim()) ? Date.parse(text) : Number.NaN
    if (Number.isNaN(time)) throw fault(text, option)
    return new Date(time)
  }
  const asUtc = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute)))
  // What is no date, such as the 30th of February, is another one as numbers.
  const isReal = asUtc
    .toISOString()
    .startsWith(`${year}-${month}-${day}T${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`)
  if (!isReal) throw fault(text, option)
  const cron = `${Number(minute)} ${Number(hour)} ${Number(day)} ${Number(month)} *`
  const [found] = nextTimes(cron, timezone, new Date(asUtc.getTime() - MOST_APART), 1)
  if (!found) throw fault(text, option)
  return found
}

function fault(text: string, option: string): UserError {
  return new UserError(`${option}: "${text}" is not a time such as 2026-01-01, 2026-01-01T06:00 or 2026-01-01T06:00Z`)
}
