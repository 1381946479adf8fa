const FIRST = 5000
const LONGEST = 2 * 3_600_000
const FACTOR = 3
/** What a receiver asks for counts, up to this (ms): nobody puts a notice off for ever. */
const MOST_ASKED = 6 * 3_600_000

/**
 * How long (ms) to wait after a delivery that failed: 5 s, 15 s, 45 s, … 2 h, each a fifth more or less by chance, so
 * that what failed together is not tried again together.
 * @param attempt from 1: how often it was tried
 * @param asked how long the receiver asks to wait
 * @param chance from 0 to 1
 */
export function backoff(attempt: number, asked = 0, chance = Math.random()): number {
  const base = Math.min(LONGEST, FIRST * FACTOR ** (attempt - 1))
  return Math.round(Math.max(base * (0.8 + 0.4 * chance), Math.min(asked, MOST_ASKED)))
}
