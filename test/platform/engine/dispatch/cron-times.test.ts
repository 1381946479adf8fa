import { latestTime, nextTimes } from '@millrace/engine'
import { expect, it } from 'vitest'

const times = (cron: string, timezone: string, after: string, count: number): string[] =>
  nextTimes(cron, timezone, new Date(after), count).map((time) => time.toISOString().slice(0, 16))

// In Berlin clocks go from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC, and from 03:00 to 02:00 on 2026-10-25 at 01:00 UTC;
// in New York from 02:00 to 03:00 on 2026-03-08 at 07:00 UTC, and from 02:00 to 01:00 on 2026-11-01 at 06:00 UTC.
it.each([
  ['a plain day', '45 8 * * 2', 'UTC', '2026-11-24T08:45:00Z', ['2026-12-01T08:45', '2026-12-08T08:45']],
  ['the minute before', '45 8 * * 2', 'UTC', '2026-11-24T08:44:59.999Z', ['2026-11-24T08:45']],
  [
    '08:00 in summer and winter',
    '0 8 * * *',
    'Europe/Berlin',
    '2026-10-24T05:00:00Z',
    ['2026-10-24T06:00', '2026-10-25T07:00'],
  ],
  [
    'a time that Berlin leaves out',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00', '2026-03-30T00:30'],
  ],
  [
    'a time that New York leaves out',
    '30 2 * * *',
    'America/New_York',
    '2026-03-07T12:00:00Z',
    ['2026-03-08T07:00', '2026-03-09T06:30'],
  ],
  [
    'two times of one that is left out',
    '0,30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00:00Z',
    ['2026-03-29T01:00', '2026-03-30T00:00'],
  ],
  [
    'a time that Berlin shows twice',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00:00Z',
    ['2026-10-25T00:30', '2026-10-26T01:30'],
  ],
  ['the second of the two', '30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', ['2026-10-26T01:30']],
  [
    'a time that New York shows twice',
    '30 1 * * *',
    'America/New_York',
    '2026-10-31T12:00:00Z',
    ['2026-11-01T05:30', '2026-11-02T06:30'],
  ],
  [
    'two hours of a day',
    '30 2,14 * * *',
    'Europe/Berlin',
    '2026-10-24T12:30:00Z',
    ['2026-10-25T00:30', '2026-10-25T13:30'],
  ],
  [
    'every half hour, also in the hour that comes twice',
    '*/30 * * * *',
    'Europe/Berlin',
    '2026-10-25T00:00:00Z',
    ['2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-25T02:00'],
  ],
  [
    'every hour, over the gap',
    '0 * * * *',
    'Europe/Berlin',
    '2026-03-29T00:00:00Z',
    ['2026-03-29T01:00', '2026-03-29T02:00'],
  ],
  ['leap days', '0 0 29 2 *', 'UTC', '2026-01-01T00:00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
])('the next times of %s', (_name, cron, timezone, after, expected) => {
  expect(times(cron, timezone, after, expected.length)).toEqual(expected)
})

it('a day that never comes has no times', () => {
  expect(times('0 0 30 2 *', 'UTC', '2026-01-01T00:00:00Z', 3)).toEqual([])
})

it('of times that passed the last is found, and none before the first that was due', () => {
  const latest = (cron: string, first: string, until: string): string | undefined =>
    latestTime(cron, 'UTC', new Date(first), new Date(until))?.toISOString()
  expect(latest('*/5 * * * *', '2020-01-01T00:00:00Z', '2026-01-01T00:07:30Z')).toBe('2026-01-01T00:05:00.000Z')
  expect(latest('0 0 29 2 *', '2000-02-29T00:00:00Z', '2026-01-01T00:00:00Z')).toBe('2024-02-29T00:00:00.000Z')
  expect(latest('0 12 * * *', '2026-01-01T12:00:00Z', '2026-01-01T12:00:00Z')).toBe('2026-01-01T12:00:00.000Z')
  expect(latest('0 12 * * *', '2026-01-01T12:00:01Z', '2026-01-02T11:00:00Z')).toBeUndefined()
})

it.each([
  ['every day', 'UTC', /schedule "every day" in the time zone "UTC":/],
  ['0 0 * * *', 'Mars/Olympus', /schedule "0 0 \* \* \*" in the time zone "Mars\/Olympus":/],
])('%s in %s is a mistake, and is said to be one', (cron, timezone, message) => {
  expect(() => nextTimes(cron, timezone, new Date(), 1)).toThrow(message)
})
