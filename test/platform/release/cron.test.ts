import { expect, it } from 'vitest'
import { cron, cronFault, timezone, timezoneFault } from '../../../platform/release/index.ts'

it.each([
  '* * * * *',
  '45 8 * * 2',
  '*/15 0-23/2 1,15 JAN-mar,12 MON-FRI',
  '0 0 31 12 7',
  '59 23 1 1 0',
  '  5   4 * * sun ',
])('%j is a cron text', (text) => {
  expect(cronFault(text)).toBeUndefined()
  expect(cron.safeParse(text).success).toBe(true)
})

it.each<[text: string, fault: string]>([
  ['', 'must be five fields'],
  ['@daily', 'must be five fields'],
  ['45 8 * *', 'must be five fields'],
  ['0 45 8 * * 2', 'must be five fields'],
  ['60 * * * *', 'minute: "60" is not within 0 to 59'],
  ['-1 * * * *', 'minute: "-1" is not'],
  ['* 24 * * *', 'hour: "24" is not within 0 to 23'],
  ['* * 0 * *', 'day of month: "0" is not within 1 to 31'],
  ['* * L * *', 'day of month: "L" is not within 1 to 31'],
  ['* * * 13 *', 'month: "13" is not within 1 to 12 or JAN to DEC'],
  ['* * * * 8', 'day of week: "8" is not within 0 to 7 or SUN to SAT'],
  ['* * * * MON#2', 'day of week: "MON#2" is not'],
  ['* MON * * *', 'hour: "MON" is not within 0 to 23'],
  ['30-10 * * * *', 'minute: "30-10" ends before it begins'],
  ['*/0 * * * *', 'minute: "*/0" has a step of 0'],
  ['5/15 * * * *', 'minute: "5/15" has a step after a single number; write "5-59/15"'],
  ['1,,2 * * * *', 'minute: "" is not'],
  ['1.5 * * * *', 'minute: "1.5" is not'],
])('%j is none, and the field is named', (text, fault) => {
  expect(cronFault(text)).toContain(fault)
  expect(cron.safeParse(text).error?.issues[0]?.message).toContain(fault)
})

it.each(['UTC', 'Etc/UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires'])(
  '%s is a time zone',
  (name) => {
    expect(timezoneFault(name)).toBeUndefined()
    expect(timezone.safeParse(name).success).toBe(true)
  },
)

it.each<[name: string, fault: string]>([
  ['Europe/Berln', 'did you mean "Europe/Berlin"?'],
  ['Mars/Olympus', 'such as "Europe/Berlin" or "UTC"'],
  ['+02:00', 'must be the name of a time zone'],
  ['', 'must be the name of a time zone'],
  ['europe/berlin', 'must be written "Europe/Berlin"'],
  ['utc', 'must be written "UTC"'],
])('%j is no time zone', (name, fault) => {
  expect(timezoneFault(name)).toContain(fault)
  expect(timezone.safeParse(name).success).toBe(false)
})
