import type { TaskRun } from '@millrace/engine'

/** A task run that is at work, and since when (ms since the epoch). */
export interface GoingRun {
  readonly run: TaskRun
  readonly worker: string
  readonly since: number
}

/**
 * Tells which task runs are at work: a worker claims some ahead, and they count as Running from then on, but it has
 * only so many slots.
 */
export class GoingRuns {
  private readonly slots: ReadonlyMap<string, number>
  private readonly claimed = new Map<string, (TaskRun & { readonly started: number })[]>()
  /** When the slots of a worker became free: as many ends of its task runs, the last ones, earliest first. */
  private readonly free = new Map<string, number[]>()

  /** @param slots of each worker; of one that is not in it, all that it claimed counts as being at work */
  constructor(slots: ReadonlyMap<string, number>) {
    this.slots = slots
  }

  addClaimed(worker: string, run: TaskRun & { readonly started: number }): void {
    this.claimed.set(worker, [...(this.claimed.get(worker) ?? []), run])
  }

  addEnd(worker: string, ended: number): void {
    const slots = this.slots.get(worker)
    if (slots === undefined) return
    const ends = this.free.get(worker) ?? []
    if (ends.length >= slots && (ends[0] ?? 0) >= ended) return
    this.free.set(worker, [...ends, ended].sort((a, b) => a - b).slice(-slots))
  }

  /** What is at work, and how many more each worker has claimed. */
  finish(): { going: GoingRun[]; waiting: ReadonlyMap<string, number> } {
    const going: GoingRun[] = []
    const waiting = new Map<string, number>()
    for (const [worker, runs] of this.claimed) {
      const slots = this.slots.get(worker) ?? runs.length
      const free = this.free.get(worker) ?? []
      const first = runs.sort((a, b) => a.started - b.started || a.seq - b.seq).slice(0, slots)
      for (const [index, run] of first.entries()) {
        // Slots that ran nothing yet were free all the time.
        const since = Math.max(run.started, free[index - (slots - free.length)] ?? 0)
        going.push({ run, worker, since })
      }
      if (runs.length > slots) waiting.set(worker, runs.length - slots)
    }
    return { going, waiting }
  }
}
