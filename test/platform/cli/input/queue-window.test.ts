import { describe, expect, it } from 'vitest'
import { formatWindow, readWindow } from '../../../../platform/cli/input/queue-window.ts'

const read = (text: string) => readWindow(text, '--window')

describe('a window of a queue', () => {
  it.each([
    ['22:00-06:00 Europe/Berlin', { from: '22:00', to: '06:00', timezone: 'Europe/Berlin' }],
    ['08:00-18:00 UTC tue,MON', { from: '08:00', to: '18:00', timezone: 'UTC', days: ['MON', 'TUE'] }],
    ['00:00-00:00 UTC SAT', { from: '00:00', to: '00:00', days: ['SAT'] }],
    [' 08:00-18:00  UTC  MON-FRI ', { days: ['MON', 'TUE', 'WED', 'THU', 'FRI'] }],
    ['08:00-18:00 UTC SAT-MON,MON', { days: ['MON', 'SAT', 'SUN'] }],
  ])('is read: %s', (text, expected) => {
    expect(read(text)).toMatchObject(expected)
    expect(read(formatWindow(read(text)))).toEqual(read(text))
  })

  it.each([
    ['22:00-06:00', '--window: expected "22:00-06:00 Europe/Berlin"'],
    ['22-06 UTC', '--window: expected'],
    ['22:00-06:00 UTC MON extra', '--window: expected'],
    ['22:00-24:00 UTC', '--window: 24:00 is not a time of the day'],
    ['22:00-06:00 UTC MON,FUN', '--window: there is no day "FUN"'],
    ['22:00-06:00 UTC MON-TUE-WED', 'is not a day or a range'],
  ])('is refused: %s', (text, message) => {
    expect(() => read(text)).toThrow(message)
  })
})
