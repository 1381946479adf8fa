import { expect, it } from 'vitest'
import { checkWindow, isOpen, opensAt, type TimeWindow } from '../../../../platform/engine/dispatch/time-window.ts'

const NIGHT: TimeWindow = { from: '22:00', to: '06:00', timezone: 'Europe/Berlin' }
const FRIDAYS: TimeWindow = { ...NIGHT, days: ['FRI'] }
const OFFICE: TimeWindow = { from: '09:00', to: '17:30', timezone: 'America/New_York', days: ['MON', 'WED'] }
const MONDAY: TimeWindow = { from: '08:00', to: '08:00', timezone: 'UTC', days: ['MON'] }

// 2026-11-27 is a Friday. Berlin is an hour ahead of UTC then, New York five behind.
it.each<[name: string, window: TimeWindow, now: string, open: boolean]>([
  ['a minute before it opens', NIGHT, '2026-11-27T20:59:59Z', false],
  ['as it opens', NIGHT, '2026-11-27T21:00:00Z', true],
  ['past midnight', NIGHT, '2026-11-28T00:30:00Z', true],
  ['as it closes', NIGHT, '2026-11-28T05:00:00Z', false],
  ['on its evening', FRIDAYS, '2026-11-27T22:00:00Z', true],
  ['in the night after its evening', FRIDAYS, '2026-11-28T04:59:00Z', true],
  ['on the evening after', FRIDAYS, '2026-11-28T22:00:00Z', false],
  ['in the night before its evening', FRIDAYS, '2026-11-27T04:00:00Z', false],
  ['in its hours', OFFICE, '2026-11-25T14:00:00Z', true],
  ['before its hours, in its own time zone', OFFICE, '2026-11-25T13:59:00Z', false],
  ['in its hours on another day', OFFICE, '2026-11-26T15:00:00Z', false],
  ['of a whole day, as it opens', MONDAY, '2026-11-23T08:00:00Z', true],
  ['of a whole day, the next morning', MONDAY, '2026-11-24T07:59:00Z', true],
  ['of a whole day, when that is over', MONDAY, '2026-11-24T08:00:00Z', false],
  ['in the hour that comes twice', { ...NIGHT, from: '02:30', to: '02:45' }, '2026-10-25T01:31:00Z', true],
])('a window %s', (_name, window, now, open) => {
  expect(isOpen(window, new Date(now))).toBe(open)
})

it.each([
  [NIGHT, '2026-11-27T12:00:00Z', '2026-11-27T21:00:00.000Z'],
  [FRIDAYS, '2026-11-28T05:00:00Z', '2026-12-04T21:00:00.000Z'],
  [{ ...NIGHT, from: '02:30' }, '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
] as const)('%o opens next after %s at %s', (window, now, opens) => {
  expect(opensAt(window, new Date(now))?.toISOString()).toBe(opens)
})

it.each([
  [{ ...NIGHT, from: '22' }, 'queue q: window.from: expected a time such as "22:00", got "22"'],
  [{ ...NIGHT, to: '24:00' }, 'queue q: window.to: expected a time such as "22:00", got "24:00"'],
  [{ ...NIGHT, timezone: 'Europe/Berln' }, 'queue q: window.timezone: "Europe/Berln" is no time zone'],
  [{ ...NIGHT, days: ['Friday'] }, 'queue q: window.days: expected some of MON, TUE'],
  [{ ...NIGHT, days: [] }, 'queue q: window.days: expected at least one day'],
])('%o is refused', (window, message) => {
  expect(() => checkWindow('q', window as TimeWindow)).toThrow(message)
})
