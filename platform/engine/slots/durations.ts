/** How much a call counts in the mean. */
const WEIGHT = 0.2
const REMEMBERED = 1000

/** Mean durations (ms) by key, recent ones weighing more. */
export class Durations {
  private readonly means = new Map<string, number>()

  add(key: string, ms: number): void {
    const before = this.means.get(key)
    this.means.set(key, before === undefined ? ms : before * (1 - WEIGHT) + ms * WEIGHT)
    const [oldest] = this.means.keys()
    if (this.means.size > REMEMBERED && oldest !== undefined) this.means.delete(oldest)
  }

  /** Undefined for a key never seen. */
  of(key: string): number | undefined {
    return this.means.get(key)
  }
}
