import { describe, expect, it } from 'vitest'
import { bytes, formatBytes, formatDuration, milliseconds } from '../../../platform/sdk/index.ts'
import { mistakeOf } from './failure.ts'

describe('a length of time', () => {
  it.each([
    ['250 ms', 250],
    ['1 second', 1000],
    ['30 seconds', 30_000],
    ['1.5 hours', 5_400_000],
    ['10 minutes', 600_000],
    ['2 days', 172_800_000],
    ['1 week', 604_800_000],
    ['90 s', 90_000],
    ['5 min', 300_000],
    ['2 h', 7_200_000],
    ['10minutes', 600_000],
    ['  10   minutes ', 600_000],
    ['0 seconds', 0],
  ])('%s is %i ms', (text, expected) => {
    expect(milliseconds(text)).toBe(expected)
  })

  it.each([
    '',
    '10',
    'minutes',
    '-5 minutes',
    '1e3 seconds',
    '5 parsecs',
    '5 mss',
    '5 ss',
    '5 MINUTES',
    '1 2 s',
    '.5 s',
  ])('%j is none', async (text) => {
    expect(await mistakeOf(() => milliseconds(text, 'task measure: timeout'))).toBe(
      `task measure: timeout: expected a length of time such as "10 minutes", got "${text}"`,
    )
  })

  it.each(['toString', 'constructor', '__proto__'])('has no unit %s', async (unit) => {
    expect(await mistakeOf(() => milliseconds(`1 ${unit}`))).toContain('expected a length of time')
  })

  it.each([
    [0, '0 ms'],
    [850.4, '850 ms'],
    [999.7, '1.0 s'],
    [4200, '4.2 s'],
    [9990, '10 s'],
    [42_000, '42 s'],
    [59_700, '1 min 0 s'],
    [200_000, '3 min 20 s'],
    [3_599_800, '1 h 0 min'],
    [7_500_000, '2 h 5 min'],
    [172_800_000, '48 h 0 min'],
  ])('of %d ms is written %s', (ms, expected) => {
    expect(formatDuration(ms)).toBe(expected)
  })
})

describe('an amount of memory', () => {
  it.each([
    ['512 B', 512],
    ['4 kB', 4000],
    ['500 MB', 500_000_000],
    ['1.5 KiB', 1536],
    ['16 GiB', 17_179_869_184],
    ['2TiB', 2_199_023_255_552],
  ])('%s is %i bytes', (text, expected) => {
    expect(bytes(text)).toBe(expected)
  })

  it.each(['', '16', '16 gib', '16 Gi', '-1 GiB', '16 constructor'])('%j is none', async (text) => {
    expect(await mistakeOf(() => bytes(text, 'flow predict: runOn.memory'))).toBe(
      `flow predict: runOn.memory: expected an amount of memory such as "4 GiB", got "${text}"`,
    )
  })

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_048_575, '1.0 MiB'],
    [4_194_304, '4.0 MiB'],
    [1_610_612_736, '1.5 GiB'],
    [5e15, '4547.5 TiB'],
  ])('of %d bytes is written %s', (count, expected) => {
    expect(formatBytes(count)).toBe(expected)
  })
})
