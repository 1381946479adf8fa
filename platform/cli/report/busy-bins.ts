/** Bins per lane; the width of a bin doubles as the run gets longer. */
const BINS = 480

/** How busy each worker was over time, in bounded memory: task runs may come in any order, any number of them. */
export class BusyBins {
  /** Milliseconds. */
  width = 1
  private readonly origin: number
  private readonly lanes = new Map<string, Float64Array>()

  /** @param origin time of the first bin (ms since the epoch); what is before it counts to that bin */
  constructor(origin: number) {
    this.origin = origin
  }

  /** Counts a task run of a worker. */
  add(worker: string, started: number, ended: number): void {
    const from = Math.max(0, started - this.origin)
    const to = Math.max(from, ended - this.origin)
    while (to > this.width * BINS) this.widen()
    const bins = this.lanes.get(worker) ?? new Float64Array(BINS)
    this.lanes.set(worker, bins)
    for (let bin = Math.floor(from / this.width); bin < BINS && bin * this.width < to; bin++) {
      const share = Math.min(to, (bin + 1) * this.width) - Math.max(from, bin * this.width)
      bins[bin] = (bins[bin] ?? 0) + share
    }
  }

  /** For each worker, how many of its tasks ran on average in each bin, up to a time. */
  densities(until: number): Map<string, number[]> {
    const count = Math.min(BINS, Math.max(1, Math.ceil((until - this.origin) / this.width)))
    return new Map(
      [...this.lanes].map(([worker, bins]) => [worker, Array.from(bins.slice(0, count), (busy) => busy / this.width)]),
    )
  }

  private widen(): void {
    this.width *= 2
    for (const [worker, bins] of this.lanes) {
      const wide = new Float64Array(BINS)
      for (const [bin, busy] of bins.entries()) wide[bin >> 1] = (wide[bin >> 1] ?? 0) + busy
      this.lanes.set(worker, wide)
    }
  }
}
