import { UserError } from '@millrace/sdk'
import { nextTimes } from './cron-times.ts'

const DAYS = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'] as const
export type Day = (typeof DAYS)[number]

/** The hours in which a queue is open, by the clocks of a time zone. */
export interface TimeWindow {
  /** `22:00`. */
  readonly from: string
  /** The next such time, past midnight where it is the earlier one: `06:00`. The same as `from`: a day later. */
  readonly to: string
  readonly timezone: string
  /** Days on which it opens. Past midnight it is the window of the day before. @default every day */
  readonly days?: readonly Day[]
}

/** @throws UserError naming the queue and the field, where it is none */
export function checkWindow(queue: string, { from, to, timezone, days }: TimeWindow): void {
  for (const [field, time] of Object.entries({ from, to })) {
    if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(time)) {
      throw new UserError(`queue ${queue}: window.${field}: expected a time such as "22:00", got "${time}"`)
    }
  }
  const unknown = days?.find((day) => !DAYS.includes(day))
  if (unknown !== undefined) {
    throw new UserError(`queue ${queue}: window.days: expected some of ${DAYS.join(', ')}, got "${unknown}"`)
  }
  if (days?.length === 0) throw new UserError(`queue ${queue}: window.days: expected at least one day, got none`)
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch {
    throw new UserError(
      `queue ${queue}: window.timezone: "${timezone}" is no time zone; write one such as Europe/Berlin`,
    )
  }
}

/** Whether the window is open. */
export function isOpen({ from, to, timezone, days = DAYS }: TimeWindow, now: Date): boolean {
  const { day, time } = clockOf(now, timezone)
  const today = DAYS[day]
  const yesterday = DAYS[(day + 6) % 7]
  const opens = (name: Day | undefined): boolean => name !== undefined && days.includes(name)
  if (from < to) return opens(today) && from <= time && time < to
  return (opens(today) && from <= time) || (opens(yesterday) && time < to)
}

/** When it opens next. */
export function opensAt({ from, timezone, days = DAYS }: TimeWindow, now: Date): Date | undefined {
  const [hour, minute] = from.split(':').map(Number)
  return nextTimes(`${minute} ${hour} * * ${days.join(',')}`, timezone, now, 1)[0]
}

/** Day of the week (0 is Monday) and time of day that clocks show there. */
function clockOf(now: Date, timezone: string): { readonly day: number; readonly time: string } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const parts = Object.fromEntries(format.formatToParts(now).map(({ type, value }) => [type, value]))
  const day = DAYS.indexOf(parts.weekday?.toUpperCase() as Day)
  return { day, time: `${parts.hour}:${parts.minute}` }
}
