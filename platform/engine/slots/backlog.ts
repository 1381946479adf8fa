import type { Durations } from './durations.ts'
import type { Pending } from './job.ts'

/** Calls that wait for the network, going at once on one thread. */
export const IO_WIDTH = 32

interface Lane {
  readonly priority: number
  readonly calls: Pending[]
}

/** What the next batch may be like. */
export interface BatchShape {
  /** Threads that have nothing to do: what waits is shared between them. */
  readonly free: number
  /** Most calls. */
  readonly most: number
  /** Work (ms) to hand over at once. */
  readonly slice: number
}

/** Calls that wait for a thread: by run, by priority within a run, and first come, first served within that. */
export class Backlog {
  private readonly durations: Durations
  /** In the order in which runs take turns. */
  private readonly runs = new Map<string, Lane[]>()
  private readonly kinds = new Map<string, { count: number; readonly io: boolean }>()
  private count = 0

  constructor(durations: Durations) {
    this.durations = durations
  }

  get size(): number {
    return this.count
  }

  /** How many runs have calls here. */
  get runCount(): number {
    return this.runs.size
  }

  /** How many calls of a run wait here. */
  sizeOf(run: string): number {
    let size = 0
    for (const { calls } of this.runs.get(run) ?? []) size += calls.length
    return size
  }

  /** Work (ms) that waits here; a call of a kind never seen counts as `unknown`. */
  expected(unknown: number): number {
    let sum = 0
    for (const [kind, { count, io }] of this.kinds) {
      sum += (count * (this.durations.of(kind) ?? unknown)) / (io ? IO_WIDTH : 1)
    }
    return sum
  }

  add(pending: Pending, where: 'first' | 'last'): void {
    const { calls } = this.lane(pending)
    if (where === 'first') calls.unshift(pending)
    else calls.push(pending)
    this.tally(pending, 1)
  }

  /** Takes out all that match. */
  remove(match: (pending: Pending) => boolean): Pending[] {
    const removed: Pending[] = []
    for (const [run, lanes] of this.runs) {
      for (const { calls } of lanes) {
        const kept: Pending[] = []
        for (const pending of calls) (match(pending) ? removed : kept).push(pending)
        calls.length = 0
        for (const pending of kept) calls.push(pending)
      }
      this.tidy(run, lanes)
    }
    for (const pending of removed) this.tally(pending, -1)
    return removed
  }

  /** Takes out what would come last. */
  removeLast(): Pending | undefined {
    const last = [...this.runs].at(-1)
    if (!last) return undefined
    const [run, lanes] = last
    const pending = lanes.at(-1)?.calls.pop()
    this.tidy(run, lanes)
    if (pending) this.tally(pending, -1)
    return pending
  }

  /** Takes out the calls for one thread: of the run whose turn it is, and such as may share a thread. */
  nextBatch(shape: BatchShape): Pending[] {
    const [turn] = this.runs
    if (!turn) return []
    const [run, lanes] = turn
    const most = Math.min(shape.most, Math.ceil(this.sizeOf(run) / shape.free))
    const batch = this.take(lanes, most, shape.slice)
    this.runs.delete(run)
    this.runs.set(run, lanes)
    this.tidy(run, lanes)
    return batch
  }

  /** Takes out more calls like `like`, of the same run, for a thread that has room for them. */
  more(like: Pending, most: number): Pending[] {
    const lanes = this.runs.get(like.job.run.id)
    const first = lanes?.[0]?.calls[0]
    if (!lanes || !first || !mayShare(like, first)) return []
    const batch = this.take(lanes, most, Number.POSITIVE_INFINITY)
    this.tidy(like.job.run.id, lanes)
    return batch
  }

  private take(lanes: readonly Lane[], most: number, slice: number): Pending[] {
    const calls = lanes[0]?.calls ?? []
    const first = calls[0]
    if (!first) return []
    let size = 0
    for (let expected = 0; size < Math.min(calls.length, most); size++) {
      const next = calls[size] as Pending
      // A call of a kind never seen is tried alone, or beside as many as may wait side by side.
      expected += (this.durations.of(next.kind) ?? slice) / (next.job.call.io ? IO_WIDTH : 1)
      if (size > 0 && (expected > slice || !mayShare(first, next))) break
    }
    const batch = calls.splice(0, size)
    for (const pending of batch) this.tally(pending, -1)
    return batch
  }

  private lane({ job }: Pending): Lane {
    const { priority = 0 } = job.call
    const lanes = this.runs.get(job.run.id) ?? []
    if (lanes.length === 0) this.runs.set(job.run.id, lanes)
    const at = lanes.findIndex((lane) => lane.priority <= priority)
    const found = lanes[at]
    if (found?.priority === priority) return found
    const made: Lane = { priority, calls: [] }
    lanes.splice(at < 0 ? lanes.length : at, 0, made)
    return made
  }

  private tidy(run: string, lanes: Lane[]): void {
    for (let i = lanes.length - 1; i >= 0; i--) if (lanes[i]?.calls.length === 0) lanes.splice(i, 1)
    if (lanes.length === 0) this.runs.delete(run)
  }

  private tally({ kind, job }: Pending, change: 1 | -1): void {
    this.count += change
    const entry = this.kinds.get(kind) ?? { count: 0, io: job.call.io ?? false }
    entry.count += change
    if (entry.count === 0) this.kinds.delete(kind)
    else this.kinds.set(kind, entry)
  }
}

/** Whether two calls may be handed to the same thread together. */
function mayShare(a: Pending, b: Pending): boolean {
  return (
    (a.job.call.io ?? false) === (b.job.call.io ?? false) &&
    a.job.source.digest === b.job.source.digest &&
    !a.alone &&
    !b.alone
  )
}
