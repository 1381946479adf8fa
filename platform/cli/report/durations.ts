/** Durations below this (ms) are counted to the millisecond, longer ones to four digits. */
const EXACT_BELOW = 10_000

/** Counts durations in bounded memory, however many there are. All in milliseconds. */
export class Durations {
  count = 0
  total = 0
  min = Number.POSITIVE_INFINITY
  max = 0
  private readonly counts = new Map<number, number>()

  add(ms: number): void {
    this.count++
    this.total += ms
    this.min = Math.min(this.min, ms)
    this.max = Math.max(this.max, ms)
    const rounded = ms < EXACT_BELOW ? Math.round(ms) : Number(ms.toPrecision(4))
    this.counts.set(rounded, (this.counts.get(rounded) ?? 0) + 1)
  }

  /** The duration that this part of all (0 to 1) do not exceed: the nearest-rank percentile. */
  quantile(part: number): number | undefined {
    const rank = Math.max(1, Math.ceil(part * this.count))
    let below = 0
    for (const [ms, count] of [...this.counts].sort(([a], [b]) => a - b)) {
      below += count
      if (below >= rank) return Math.min(Math.max(ms, this.min), this.max)
    }
    return undefined
  }
}
