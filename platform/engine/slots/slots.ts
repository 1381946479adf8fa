import { CancelledError } from '@millrace/sdk'
import type { FlowSource } from '../flow-source.ts'
import { Backlog, IO_WIDTH } from './backlog.ts'
import type { Outcome, TaskEvents } from './call.ts'
import { Durations } from './durations.ts'
import { type Job, type Pending, pendingOf } from './job.ts'
import { limitOf, watchMemory } from './memory-watch.ts'
import { now, stopped } from './run-call.ts'
import { type BatchOwner, RunningBatch } from './running-batch.ts'
import { ThreadPools } from './thread-pools.ts'

/** Work handed to a thread at once, as time (ms): large enough that handing over costs little, small enough to share fairly. */
const SLICE = 10
const LARGEST_BATCH = 256
const WATCH_EVERY = 50
/** A call that takes so long (ms) must not hold up those behind it in its batch. */
const STUCK = 5 * SLICE
/** How long (ms) a thread may go on with calls of one run that wait for the network, while other runs wait. */
const TURN = 50
const REMEMBERED = 100

export interface SlotOptions {
  /** The project's folder, where flows are found. */
  readonly root: string
  /** How many threads work at once. */
  readonly count: number
  /** Most memory (bytes) one thread may take. @default none, but for V8's own limit on the heap */
  readonly memory?: number | undefined
  /** Work (ms) that may wait here; calls beyond it are given to `onSurplus`. @default no limit */
  readonly ahead?: number
  readonly onSurplus?: (jobs: readonly Job[]) => void
}

/**
 * The threads of one process that run tasks: those of a driver (threads executor) or of a worker.
 * Calls are handed over in batches that fit {@link SLICE} by how long calls of the task have taken so far.
 * What a busy thread has not begun can be taken back; a call that does not stop when told to, or takes too much
 * memory, loses its thread, and nothing else does.
 */
export class Slots {
  readonly count: number
  private readonly options: SlotOptions
  private readonly pools: ThreadPools
  private readonly durations = new Durations()
  private readonly backlog = new Backlog(this.durations)
  private readonly batches = new Set<RunningBatch>()
  /** Who listens to the runs of late: for what comes after a call is over. */
  private readonly listeners = new Map<string, TaskEvents>()
  private lastRun = ''
  private arriving = false
  private dispatching = false
  private watch: NodeJS.Timeout | undefined
  private closed = false

  constructor(options: SlotOptions) {
    this.options = options
    this.count = options.count
    this.pools = new ThreadPools({ root: options.root, count: options.count, memory: options.memory })
  }

  /** Lets a thread get ready for calls of a flow, before there are any: it then starts while other things are done. */
  warm(source: FlowSource): void {
    void this.pools.warm(source)
  }

  /** Queues a call. Its outcome goes to `job.done`, always exactly once, unless it is taken back. */
  run(job: Job): void {
    if (this.closed) job.done(stopped(new CancelledError('the process that was to run it ends')))
    else this.backlog.add(pendingOf(job), 'last')
    if (this.lastRun !== job.run.id) this.remember(job)
    if (this.arriving) return
    // Calls made together travel together, and one that is cancelled in the same breath never starts.
    this.arriving = true
    setImmediate(() => {
      this.arriving = false
      this.dispatch()
    })
  }

  /**
   * How many more calls of a run it is good to have here: enough for `ahead` ms of work, and for all free slots. A run
   * that has none waiting gets a few in any case, so that it has its turn when others keep all slots busy.
   */
  appetite(run: string, ahead: number): number {
    const full = ahead * this.count
    const waiting = this.backlog.sizeOf(run)
    const left = full - this.backlog.expected(SLICE) + (waiting === 0 ? full / 2 : 0)
    const each = this.expectedOf(run)
    const idle = this.freePlaces(run) - this.backlog.size
    let wanted = 0
    if (each !== undefined) wanted = Math.floor(left / each)
    else if (waiting === 0 && left > 0) wanted = this.count
    wanted = Math.min(Math.max(wanted, waiting === 0 && left > 0 ? 1 : 0), 2 * LARGEST_BATCH - waiting)
    // A few more of what is here in plenty are not worth a claim.
    if (waiting > 3 * wanted) wanted = 0
    return Math.max(0, idle, wanted)
  }

  /** Stops the calls that match, queued or running: their outcome will be Cancelled. */
  cancel(match: (job: Job) => boolean, reason: string): void {
    const error = new CancelledError(reason)
    for (const pending of this.backlog.remove(({ job }) => match(job))) this.finish(pending, stopped(error))
    for (const batch of this.batches) batch.stop(({ job }) => match(job), error)
    this.dispatchSoon()
  }

  /** Gives back all calls that were not begun; they get no outcome here. */
  takeBack(match: (job: Job) => boolean = () => true): Job[] {
    for (const batch of this.batches) this.again(batch.takeBack())
    const jobs = this.backlog.remove(({ job }) => match(job)).map(({ job }) => job)
    this.dispatchSoon()
    return jobs
  }

  /** Ends all threads. Calls still going get the outcome Cancelled. */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.cancel(() => true, 'the process that ran it ended')
    clearInterval(this.watch)
    for (const batch of this.batches) batch.end()
    await this.pools.close()
  }

  private remember({ run, events }: Job): void {
    this.lastRun = run.id
    this.listeners.set(run.id, events)
    const [oldest] = this.listeners.keys()
    if (this.listeners.size > REMEMBERED && oldest !== undefined) this.listeners.delete(oldest)
  }

  /** Places for calls of a run that would otherwise be empty. */
  private freePlaces(run: string): number {
    let places = this.count - this.batches.size
    for (const batch of this.batches) if (batch.first.job.run.id === run) places += batch.room
    return places
  }

  /** How long (ms) one more call of a run will keep a slot, going by the calls of late; undefined when none was seen. */
  private expectedOf(run: string): number | undefined {
    let longest = this.durations.of(`run ${run}`)
    const time = now()
    for (const batch of this.batches) {
      if (batch.first.job.run.id !== run || batch.isIo) continue
      for (const [, since] of batch.runningCalls()) {
        if (time - since > SLICE) longest = Math.max(longest ?? 0, time - since)
      }
    }
    // Handing a call over takes some time itself.
    return longest === undefined ? undefined : Math.max(longest, 0.02)
  }

  /** Once, however many calls have ended in the same message. */
  private dispatchSoon(): void {
    if (this.dispatching) return
    this.dispatching = true
    queueMicrotask(() => {
      this.dispatching = false
      this.dispatch()
    })
  }

  private dispatch(): void {
    for (const batch of this.batches) this.topUp(batch)
    while (!this.closed && this.batches.size < this.count) {
      const shape = { free: this.count - this.batches.size, most: LARGEST_BATCH, slice: SLICE }
      const [first, ...rest] = this.backlog.nextBatch(shape)
      if (!first) break
      void this.start([first, ...rest])
    }
    if (this.batches.size > 0 && !this.watch && !this.closed) {
      this.watch = setInterval(() => this.look(), WATCH_EVERY)
      this.watch.unref()
    }
  }

  /** Calls that wait for the network join others that do; unless it is another run's turn. */
  private topUp(batch: RunningBatch): void {
    const { room } = batch
    if (room <= 0 || this.backlog.size === 0) return
    if (this.backlog.runCount > 1 && now() - batch.began > TURN) return
    const more = this.backlog.more(batch.first, room)
    if (more.length > 0) batch.add(more)
  }

  private async start(pending: readonly [Pending, ...Pending[]]): Promise<void> {
    const owner: BatchOwner = {
      finish: (each, outcome) => this.finish(each, outcome),
      again: (each) => this.again(each),
      stray: (run, ...stray) => this.listeners.get(run)?.log(...stray),
    }
    const batch = new RunningBatch(pending, owner)
    this.batches.add(batch)
    const watched = pending.some(({ job }) => limitOf(job.call, this.options.memory) !== undefined)
    await batch.run(this.pools, watched)
    this.batches.delete(batch)
    if (this.batches.size === 0) {
      clearInterval(this.watch)
      this.watch = undefined
    }
    this.dispatch()
  }

  private finish(pending: Pending, outcome: Outcome): void {
    const { kind, job } = pending
    if (outcome.state !== 'Cancelled') {
      const took = outcome.ended - outcome.started
      this.durations.add(kind, took)
      this.durations.add(`run ${job.run.id}`, took / (job.call.io ? IO_WIDTH : 1))
    }
    job.done(outcome)
    this.dispatchSoon()
  }

  private again(pending: readonly Pending[]): void {
    for (const each of pending.toReversed()) {
      if (this.closed) this.finish(each, stopped(new CancelledError('the process that ran it ended')))
      else this.backlog.add(each, 'first')
    }
    if (pending.length > 0) this.dispatchSoon()
  }

  /** Looks after the running batches: overdue calls, memory, and unfair hold-ups. */
  private look(): void {
    const time = now()
    for (const batch of this.batches) {
      batch.endIfOverdue(time)
      void watchMemory(batch, this.pools, this.options.memory)
      this.freeStuck(batch, time)
    }
    this.giveUpSurplus()
  }

  /** One call took longer than its kind did before: the rest of its batch must not wait for it. */
  private freeStuck(batch: RunningBatch, time: number): void {
    if (batch.isIo || batch.unbegun === 0) return
    for (const [index, since] of batch.runningCalls()) {
      if (time - since < STUCK) continue
      this.durations.add(batch.at(index).kind, time - since)
      this.again(batch.takeBack())
      return
    }
  }

  /** Hands on what would wait here for long, though other processes may have nothing to do. */
  private giveUpSurplus(): void {
    const { ahead, onSurplus } = this.options
    if (ahead === undefined || !onSurplus || this.batches.size < this.count) return
    const jobs: Job[] = []
    while (this.backlog.size > 0 && this.backlog.expected(SLICE) > 2 * ahead * this.count) {
      const last = this.backlog.removeLast()
      if (last) jobs.push(last.job)
    }
    if (jobs.length > 0) onSurplus(jobs)
  }
}
