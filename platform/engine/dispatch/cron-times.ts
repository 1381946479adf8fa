import { UserError } from '@millrace/sdk'
import { Cron } from 'croner'

/**
 * The next times of a cron text (five fields) after a time, itself not included; fewer where there are no more. Fixed
 * times of a day follow the clocks: one that the clocks leave out in spring is run when they go on, one that they show
 * twice in autumn is run once. Texts of intervals ("every 15 minutes") go by the time that really passes.
 * @throws UserError when one of the two is not in order
 */
export function nextTimes(cron: string, timezone: string, after: Date, count: number): Date[] {
  return parse(cron, timezone).nextRuns(count, after)
}

/** How far back (ms) the last time is looked for, the next when there is none. A leap day may be eight years ago. */
const HOUR = 3_600_000
const SPANS = [HOUR, 24 * HOUR, 40 * 24 * HOUR, 400 * 24 * HOUR, 9 * 366 * 24 * HOUR] as const

/** The last time of a cron text from `first` to `until`, both included. */
export function latestTime(cron: string, timezone: string, first: Date, until: Date): Date | undefined {
  const job = parse(cron, timezone)
  const earliest = first.getTime() - 1
  for (const span of SPANS) {
    const start = Math.max(earliest, until.getTime() - span)
    let found: Date | undefined
    for (let next = job.nextRun(new Date(start)); next && next <= until; next = job.nextRun(next)) found = next
    if (found || start === earliest) return found
  }
  return undefined
}

function parse(cron: string, timezone: string): Cron {
  try {
    const job = new Cron(cron, { timezone, mode: '5-part', fixedTimeRule: 'no-wildcard', paused: true })
    // An unknown time zone is found out when the first time is asked for.
    job.nextRun(new Date(0))
    return job
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UserError(`schedule "${cron}" in the time zone "${timezone}": ${why}`)
  }
}
