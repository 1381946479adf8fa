import type { TimeWindow } from '@millrace/engine'
import { UserError } from '@millrace/sdk'

const DAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const
type Day = (typeof DAYS)[number]

const EXAMPLE = '"22:00-06:00 Europe/Berlin" or "08:00-18:00 UTC MON,TUE,WED"'

/**
 * Reads a window: from and to, a time zone, and days or a range of them (`MON-FRI`). Whether there is such a time zone
 * is for the queue to say.
 * @throws UserError
 */
export function readWindow(text: string, option: string): TimeWindow {
  const [times = '', timezone = '', days, ...rest] = text.trim().split(/\s+/)
  const [, from = '', to = ''] = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(times) ?? []
  if (from === '' || timezone === '' || rest.length > 0) {
    throw new UserError(`${option}: expected ${EXAMPLE}, got "${text}"`)
  }
  const wrong = [from, to].find((time) => !/^([01]\d|2[0-3]):[0-5]\d$/.test(time))
  if (wrong !== undefined) throw new UserError(`${option}: ${wrong} is not a time of the day, 00:00 to 23:59`)
  return { from, to, timezone, ...(days !== undefined && { days: readDays(days, option) }) }
}

/** A window as {@link readWindow} reads it. */
export function formatWindow({ from, to, timezone, days }: TimeWindow): string {
  return `${from}-${to} ${timezone}${days && days.length > 0 ? ` ${days.join(',')}` : ''}`
}

function readDays(text: string, option: string): Day[] {
  const found = text.split(',').flatMap((item) => {
    const [first = '', last = first, ...more] = item.split('-').map((day) => readDay(day, option))
    if (more.length > 0) throw new UserError(`${option}: "${item}" is not a day or a range such as MON-FRI`)
    const [begin, end] = [DAYS.indexOf(first as Day), DAYS.indexOf(last as Day)]
    return begin <= end ? DAYS.slice(begin, end + 1) : [...DAYS.slice(begin), ...DAYS.slice(0, end + 1)]
  })
  return DAYS.filter((day) => found.includes(day))
}

function readDay(text: string, option: string): Day {
  const day = DAYS.find((each) => each === text.toUpperCase())
  if (!day) throw new UserError(`${option}: there is no day "${text}"; days are ${DAYS.join(', ')}`)
  return day
}
