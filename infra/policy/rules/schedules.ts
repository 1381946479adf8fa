import { cronFault, timezoneFault } from '@millrace/release'
import { isRecord, type PlannedResource } from '../../plan/planned-resource.ts'
import type { Fault, ResourcePolicy } from '../policy.ts'
import { at, textAt } from '../values.ts'

/** Where a type has its cron line and its time zone. */
const SCHEDULES: Readonly<Record<string, { readonly line: string; readonly zone: string }>> = {
  'gcp:cloudscheduler/job:Job': { line: 'schedule', zone: 'timeZone' },
  'kubernetes:batch/v1:CronJob': { line: 'spec.schedule', zone: 'spec.timeZone' },
}
/** How App Engine wrote schedules; Cloud Scheduler takes it still. */
const ENGLISH = /^every \d+ (?:minutes|mins|hours)\b/

export const schedules: ResourcePolicy = {
  name: 'schedules',
  description: 'Schedules are cron lines of five fields in a known time zone, and say how the target is called.',
  reason:
    'Google reads the line when the job is made; a job with no method gets POST from Google, and every up then wants to remove it.',
  *resource(resource) {
    const { type, inputs } = resource
    const where = SCHEDULES[type]
    if (!where) return
    const line = textAt(inputs, where.line)
    const fault = line === undefined || ENGLISH.test(line) ? undefined : cronFault(line)
    if (fault) {
      yield { property: where.line, wrong: `is "${line}": ${fault}`, fix: 'write five fields: "45 8 * * 2"' }
    }
    const zone = textAt(inputs, where.zone)
    if (zone !== undefined && timezoneFault(zone) !== undefined) {
      yield { property: where.zone, wrong: `is "${zone}", which is no time zone`, fix: 'name one: "Europe/Berlin"' }
    }
    if (type === 'gcp:cloudscheduler/job:Job') yield* targetFaults(resource)
  },
}

function* targetFaults({ inputs }: PlannedResource): Generator<Fault> {
  for (const target of ['httpTarget', 'appEngineHttpTarget']) {
    if (!isRecord(at(inputs, target)) || at(inputs, `${target}.httpMethod`) !== undefined) continue
    yield { property: `${target}.httpMethod`, wrong: 'is missing', fix: 'set it to "POST", or what the target takes' }
  }
}
