import { describe, expect, it } from 'vitest'
import { zonedDate } from '../../../../platform/cli/input/zoned-date.ts'

describe('a time on the command line', () => {
  it.each([
    ['2026-01-01', 'Europe/Berlin', '2025-12-31T23:00:00.000Z'],
    ['2026-07-01', 'Europe/Berlin', '2026-06-30T22:00:00.000Z'],
    ['2026-01-01', 'Pacific/Kiritimati', '2025-12-31T10:00:00.000Z'],
    ['2026-01-01', 'Pacific/Pago_Pago', '2026-01-01T11:00:00.000Z'],
    ['2024-02-29', 'UTC', '2024-02-29T00:00:00.000Z'],
    ['2026-01-01T06:30', 'America/New_York', '2026-01-01T11:30:00.000Z'],
    ['2026-01-01T06:30Z', 'America/New_York', '2026-01-01T06:30:00.000Z'],
    ['2026-01-01T06:30:00+02:00', 'UTC', '2026-01-01T04:30:00.000Z'],
    // Clocks go from 2 to 3: there is no half past two.
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
  ])('%s in %s is %s', (text, timezone, expected) => {
    expect(zonedDate(text, timezone, '--from').toISOString()).toBe(expected)
  })

  it.each(['2026-02-29', '2026-13-01', '2026-01-01T24:30', '2026-01-01T10:60', '2026-01-01T06:30:00', 'today', ''])(
    'is not %s',
    (text) => {
      expect(() => zonedDate(text, 'UTC', '--from')).toThrow(`--from: "${text}" is not a time such as 2026-01-01`)
    },
  )
})
