import type { TaskRun } from '@millrace/engine'
import { BusyBins } from './busy-bins.ts'

/** Task runs that are drawn one by one; more are drawn as a density. */
export const MOST_BARS = 20_000
/** Lanes that are drawn. */
export const MOST_LANES = 200

/** One task run in the drawing. Times are milliseconds from the timeline's origin. */
export interface Bar {
  readonly seq: number
  /** Index into the timeline's tasks. */
  readonly task: number
  readonly lane: number
  readonly from: number
  readonly to: number
  readonly mark: 'failed' | 'going' | undefined
}

interface Extent {
  /** Milliseconds since the epoch. */
  readonly origin: number
  /** Milliseconds. */
  readonly length: number
  readonly tasks: readonly string[]
}

/** When which task run was at work where. */
export type Timeline =
  | (Extent & {
      readonly kind: 'bars'
      /** A worker has as many lanes as it ran tasks at once. */
      readonly lanes: readonly { readonly worker: string; readonly number: number }[]
      readonly bars: readonly Bar[]
    })
  | (Extent & {
      readonly kind: 'density'
      /** Width of a bin (ms). */
      readonly bin: number
      /** For each bin, how many tasks ran on average. */
      readonly lanes: readonly { readonly worker: string; readonly density: readonly number[] }[]
      readonly shown: number
      readonly workers: number
    })

type Kept = Omit<Bar, 'lane'> & { readonly worker: string }

/** Gathers the timeline of a run, task run by task run; memory stays bounded. */
export class TimelineBuilder {
  private readonly origin: number
  private readonly tasks = new Map<string, number>()
  private readonly bins: BusyBins
  private kept: Kept[] | undefined = []
  private last: number
  private count = 0

  /** @param origin the run's begin (ms since the epoch) */
  constructor(origin: number) {
    this.origin = origin
    this.last = origin
    this.bins = new BusyBins(origin)
  }

  /** @param started @param ended when a worker was at it, ms since the epoch */
  add(run: TaskRun, worker: string, started: number, ended: number): void {
    const task = this.tasks.get(run.task) ?? this.tasks.size
    this.tasks.set(run.task, task)
    this.last = Math.max(this.last, ended)
    this.bins.add(worker, started, ended)
    this.count++
    if (this.count > MOST_BARS) this.kept = undefined
    this.kept?.push({
      seq: run.seq,
      task,
      worker,
      from: Math.max(0, started - this.origin),
      to: Math.max(0, ended - this.origin),
      mark: markOf(run),
    })
  }

  /** @param end of the run (ms since the epoch) */
  finish(end: number): Timeline {
    const until = Math.max(this.last, end)
    const extent = { origin: this.origin, length: Math.max(1, until - this.origin), tasks: [...this.tasks.keys()] }
    if (this.kept) {
      const placed = placeBars(this.kept)
      if (placed.lanes.length <= MOST_LANES) return { kind: 'bars', ...extent, ...placed }
    }
    const sum = (density: readonly number[]): number => density.reduce((total, each) => total + each, 0)
    const lanes = [...this.bins.densities(until)].map(([worker, density]) => ({ worker, density }))
    const shown = lanes.sort((a, b) => sum(b.density) - sum(a.density)).slice(0, MOST_LANES)
    return {
      kind: 'density',
      ...extent,
      bin: this.bins.width,
      lanes: shown.sort((a, b) => byName(a.worker, b.worker)),
      shown: this.count,
      workers: lanes.length,
    }
  }
}

function markOf({ state }: TaskRun): Bar['mark'] {
  if (state === 'Failed' || state === 'Crashed') return 'failed'
  return state === 'Running' ? 'going' : undefined
}

/** Gives each task run the first lane of its worker that is free when it starts. */
function placeBars(kept: readonly Kept[]): { lanes: { worker: string; number: number }[]; bars: Bar[] } {
  const byWorker = Map.groupBy(
    [...kept].sort((a, b) => a.from - b.from || a.seq - b.seq),
    ({ worker }) => worker,
  )
  const lanes: { worker: string; number: number }[] = []
  const bars: Bar[] = []
  for (const worker of [...byWorker.keys()].sort(byName)) {
    const first = lanes.length
    const free: number[] = []
    for (const { worker: _worker, ...bar } of byWorker.get(worker) ?? []) {
      const at = free.findIndex((time) => time <= bar.from)
      const number = at === -1 ? free.length : at
      if (at === -1) lanes.push({ worker, number: number + 1 })
      free[number] = bar.to
      bars.push({ ...bar, lane: first + number })
    }
  }
  return { lanes, bars: bars.sort((a, b) => a.from - b.from || a.lane - b.lane) }
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}
