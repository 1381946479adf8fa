import { describe, expect, it } from 'vitest'
import { backoff } from '../../../../platform/agents/notify/backoff.ts'

describe('how long a notice that failed waits', () => {
  it('is longer each time, and never longer than two hours', () => {
    const waits = Array.from({ length: 20 }, (_, i) => backoff(i + 1, 0, 0.5))
    expect(waits.slice(0, 4)).toEqual([5000, 15_000, 45_000, 135_000])
    expect(waits.at(-1)).toBe(7_200_000)
  })

  it('differs by chance, so that what failed together is not tried again together', () => {
    expect([backoff(1, 0, 0), backoff(1, 0, 1)]).toEqual([4000, 6000])
  })

  it('is as long as the receiver asks for, within reason', () => {
    expect(backoff(1, 120_000, 0.5)).toBe(120_000)
    expect(backoff(5, 1000, 0.5)).toBe(405_000)
    expect(backoff(1, 10 ** 12, 0.5)).toBe(6 * 3_600_000)
  })
})
