/** Says how long each stage took. */
export class Stopwatch {
  private readonly stages: Record<string, number> = {}

  /** Runs a stage; stages of one name add up. */
  async time<T>(stage: string, body: () => PromiseLike<T>): Promise<T> {
    const start = performance.now()
    try {
      return await body()
    } finally {
      this.stages[stage] = (this.stages[stage] ?? 0) + performance.now() - start
    }
  }

  /** Seconds by stage, to the millisecond. */
  get seconds(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.stages).map(([stage, ms]) => [stage, Math.round(ms) / 1000]))
  }
}
