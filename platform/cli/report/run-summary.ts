import type { FlowRun, StoredLog, TaskCounts, TaskRun, TaskState } from '@millrace/engine'
import { Durations } from './durations.ts'
import { FailureGroups, type FailureSummary } from './failure-groups.ts'
import { GoingRuns } from './going-runs.ts'
import { type Timeline, TimelineBuilder } from './timeline.ts'

const SLOWEST = 10
/** Log lines that are shown. */
export const MOST_LINES = 200

/** A task, over all of its runs. */
export interface TaskSummary {
  readonly task: string
  readonly counts: Readonly<Partial<Record<TaskState, number>>>
  readonly runs: number
  /** Of those that finished. */
  readonly durations: Durations
  /** Milliseconds that its runs took altogether, those that still go included. */
  readonly busy: number
  /** Attempts beyond the first. */
  readonly retries: number
}

/** A worker, over all that it ran. Times are milliseconds since the epoch. */
export interface WorkerSummary {
  readonly worker: string
  readonly runs: number
  readonly busy: number
  readonly first: number
  readonly last: number
  /** Task runs it died with. */
  readonly deaths: number
  /** Task runs it has claimed and not begun. */
  readonly waiting: number
}

/** A task run and how long it took (ms). */
export interface TimedTaskRun {
  readonly run: TaskRun
  readonly took: number
}

/** All that the page of a run shows. */
export interface RunSummary {
  readonly run: FlowRun
  /** When it was looked at. */
  readonly at: number
  readonly tasks: readonly TaskSummary[]
  readonly workers: readonly WorkerSummary[]
  readonly slowest: readonly TimedTaskRun[]
  readonly failures: FailureSummary
  readonly timeline: Timeline
  readonly log: LogSummary
  /** Milliseconds that task runs took altogether. */
  readonly busy: number
  /** Milliseconds from start to end, or until now; undefined where it did not start. */
  readonly wall: number | undefined
}

/** Warnings and errors, the last of them. */
export interface LogSummary {
  readonly lines: readonly StoredLog[]
  readonly total: number
}

type Editable<T> = { -readonly [K in keyof T]: T[K] }

/** Puts the summary of a run together from its task runs and log lines, one after the other, in bounded memory. */
export class RunSummaryBuilder {
  private readonly run: FlowRun
  private readonly at: number
  /** The run's end, or now. */
  private readonly until: number
  private readonly tasks = new Map<string, { durations: Durations; busy: number; retries: number }>()
  private readonly workers = new Map<string, Editable<WorkerSummary>>()
  private readonly failures = new FailureGroups()
  private readonly timeline: TimelineBuilder
  private readonly going: GoingRuns
  private slowest: TimedTaskRun[] = []
  private lines: StoredLog[] = []
  private logged = 0
  private busy = 0

  /**
   * @param at now (ms since the epoch)
   * @param slots of the workers, where they are known: how many of the tasks they hold can be at work
   */
  constructor(run: FlowRun, at: number, slots: ReadonlyMap<string, number> = new Map()) {
    this.run = run
    this.at = at
    this.until = run.ended ?? at
    this.timeline = new TimelineBuilder(run.started ?? run.created)
    this.going = new GoingRuns(slots)
  }

  addTaskRun(run: TaskRun): void {
    this.failures.add(run)
    for (const worker of run.deaths) this.workerOf(worker, run.created).deaths++
    const { started, ended, worker = 'driver' } = run
    // What came from the cache took no time here.
    if (started === undefined || run.state === 'Cached') return
    if (ended !== undefined) {
      this.count(run, worker, started, Math.max(started, ended))
      this.going.addEnd(worker, ended)
      this.taskOf(run.task).durations.add(Math.max(0, ended - started))
      this.rank({ run, took: Math.max(0, ended - started) })
    } else if (run.state === 'Running') this.going.addClaimed(worker, { ...run, started })
  }

  addLog(line: StoredLog): void {
    this.logged++
    this.lines.push(line)
    if (this.lines.length >= 2 * MOST_LINES) this.lines = this.lines.slice(-MOST_LINES)
  }

  finish(counts: TaskCounts): RunSummary {
    const { run, at, until } = this
    const { going, waiting } = this.going.finish()
    for (const each of going) this.count(each.run, each.worker, each.since, Math.max(each.since, until))
    for (const [worker, count] of waiting) this.workerOf(worker, until).waiting = count
    return {
      run,
      at,
      busy: this.busy,
      wall: run.started === undefined ? undefined : Math.max(0, until - run.started),
      tasks: Object.entries(counts).map(([task, states]) => ({
        task,
        counts: states,
        runs: Object.values(states).reduce((sum, count) => sum + count, 0),
        ...this.taskOf(task),
      })),
      workers: [...this.workers.values()].sort((a, b) => a.worker.localeCompare(b.worker, 'en', { numeric: true })),
      slowest: this.slowest,
      failures: this.failures.finish(),
      timeline: this.timeline.finish(until),
      log: { lines: this.lines.slice(-MOST_LINES), total: this.logged },
    }
  }

  /** Counts the time from `from` to `to` as work. */
  private count(run: TaskRun, name: string, from: number, to: number): void {
    const task = this.taskOf(run.task)
    task.busy += to - from
    task.retries += Math.max(0, run.attempt - 1)
    this.busy += to - from
    const worker = this.workerOf(name, from)
    worker.runs++
    worker.busy += to - from
    worker.first = Math.min(worker.first, from)
    worker.last = Math.max(worker.last, to)
    this.timeline.add(run, name, from, to)
  }

  private taskOf(name: string): { durations: Durations; busy: number; retries: number } {
    const task = this.tasks.get(name) ?? { durations: new Durations(), busy: 0, retries: 0 }
    this.tasks.set(name, task)
    return task
  }

  private workerOf(name: string, time: number): Editable<WorkerSummary> {
    const worker = this.workers.get(name) ?? {
      worker: name,
      runs: 0,
      busy: 0,
      first: time,
      last: time,
      deaths: 0,
      waiting: 0,
    }
    this.workers.set(name, worker)
    return worker
  }

  private rank(timed: TimedTaskRun): void {
    const least = this.slowest.at(-1)
    if (this.slowest.length >= SLOWEST && least && least.took >= timed.took) return
    this.slowest = [...this.slowest, timed].sort((a, b) => b.took - a.took || a.run.seq - b.run.seq).slice(0, SLOWEST)
  }
}
