import { nextTimes, type ScheduleRow, schedules } from '@millrace/engine'
import { nearest, UserError } from '@millrace/sdk'
import { inTime, print, printJson, zonedTime } from '../output/print.ts'
import { ago, table } from '../output/table.ts'
import { person } from '../person.ts'
import { count } from '../project.ts'
import { withStore } from '../with-store.ts'
import { openRecords, type RecordOptions } from './releases.ts'

interface ScheduleOptions {
  readonly database?: string
  readonly json?: boolean
}

/** `millrace schedules` */
export async function listSchedules(options: ScheduleOptions): Promise<void> {
  const all = await withStore(options, ({ database }) => schedules(database))
  if (options.json) return printJson(all)
  if (all.length === 0) return print('Nothing deployed has a schedule.')
  const rows = all.map((each) => [
    each.deployment,
    each.cron,
    each.timezone,
    each.paused ? 'paused' : inTime(each.next),
    each.next === undefined ? '' : zonedTime(each.next, each.timezone),
    ago(each.last),
    each.message ?? '',
  ])
  print(table([['DEPLOYMENT', 'CRON', 'TIME ZONE', 'NEXT', 'AT', 'LAST', 'NOTE'], ...rows]))
}

/** `millrace schedules next DEPLOYMENT` */
export async function nextFirings(name: string, options: ScheduleOptions & { count: string }): Promise<void> {
  const most = count(options.count, '--count')
  const all = await withStore(options, ({ database }) => schedules(database))
  const found = findSchedule(name, all)
  const times = nextTimes(found.cron, found.timezone, new Date(), most)
  if (options.json) return printJson({ deployment: name, paused: found.paused, times })
  if (found.paused) process.stderr.write(`millrace: ${name} is paused; these are the times it would run at\n`)
  for (const time of times) print(`${zonedTime(time, found.timezone)}  ${inTime(time.getTime())}`)
}

function findSchedule(name: string, all: readonly ScheduleRow[]): ScheduleRow {
  const found = all.find(({ deployment }) => deployment === name)
  if (found) return found
  const names = all.map(({ deployment }) => deployment)
  const near = nearest(name, names)
  throw new UserError(
    `there is no schedule of "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    `Deployments with a schedule: ${names.length > 0 ? names.join(', ') : 'none'}.`,
  )
}

/** `millrace schedules pause FLOW`: agents that follow the records obey within seconds. */
export async function pause(flow: string, options: RecordOptions & { reason?: string }): Promise<void> {
  const { pauseSchedule, readPause } = await import('@millrace/release')
  const records = openRecords(options)
  await pauseSchedule(records, flow, { by: await person(), reason: options.reason })
  const found = await readPause(records, flow)
  if (options.json) return printJson({ flow, paused: found ?? null })
  const why = found?.reason === undefined ? '' : `: ${found.reason}`
  print(`${flow} is paused by ${found?.by} ${ago(found && Date.parse(found.at))}${why}`)
}

/** `millrace schedules resume FLOW` */
export async function resume(flow: string, options: RecordOptions): Promise<void> {
  const { readPause, resumeSchedule } = await import('@millrace/release')
  const records = openRecords(options)
  const before = await readPause(records, flow)
  await resumeSchedule(records, flow)
  if (options.json) printJson({ flow, paused: null, wasPaused: before !== undefined })
  else print(before ? `${flow} goes on with its next time` : `${flow} was not paused`)
}
