import { z } from 'zod'

/** A field of a cron text: what it is called, its bounds, and the names its numbers have. */
interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names: readonly string[]
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  // Sunday is 0 and 7.
  { name: 'day of week', min: 0, max: 7, names: DAYS },
]

/**
 * Five fields, as Unix and Cloud Scheduler read them: lists, ranges, steps, and the English names of months and days.
 * What only some readers know (seconds, `L`, `W`, `#`, `@daily`) is refused: every stack must read it alike.
 * From https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules.
 */
export const cron = z.string().check((context) => {
  const fault = cronFault(context.value)
  if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: context.value })
})

/** What is wrong with a cron text; undefined when nothing is. */
export function cronFault(text: string): string | undefined {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== FIELDS.length) {
    return 'must be five fields, minute, hour, day of month, month, day of week, such as "45 8 * * 2"'
  }
  for (const [index, field] of FIELDS.entries()) {
    const fault = (parts[index] ?? '')
      .split(',')
      .map((item) => itemFault(item, field))
      .find((found) => found)
    if (fault !== undefined) return `${field.name}: ${fault}`
  }
  return undefined
}

/** One item of a list: everything, a number, or a range; a step may follow the first and the last. */
function itemFault(item: string, field: Field): string | undefined {
  const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item)
  if (!match) return `"${item}" is not "*", a number, or a range such as "1-5"`
  const [, every, from = '', to, step] = match
  if (step !== undefined && every === undefined && to === undefined) {
    return `"${item}" has a step after a single number; write "${from}-${field.max}/${step}"`
  }
  if (step !== undefined && Number(step) === 0) return `"${item}" has a step of 0`
  if (every !== undefined) return undefined
  const [first, last] = [numberOf(from, field), numberOf(to ?? from, field)]
  if (first === undefined || last === undefined) {
    const orNames = field.names.length > 0 ? ` or ${field.names[0]} to ${field.names.at(-1)}` : ''
    return `"${item}" is not within ${field.min} to ${field.max}${orNames}`
  }
  return first > last ? `"${item}" ends before it begins` : undefined
}

function numberOf(text: string, { min, max, names }: Field): number | undefined {
  const named = names.indexOf(text.toUpperCase())
  if (named >= 0) return named + min
  const value = Number(text)
  return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined
}
