import { MessageChannel } from 'node:worker_threads'
import { CancelledError, formatBytes } from '@millrace/sdk'
import type { Piscina } from 'piscina'
import type { FlowSource } from '../flow-source.ts'
import { asBytes } from '../values/codec.ts'
import { type Failure, OutOfMemoryError, toFailure } from '../values/failure.ts'
import { type Batch, BatchControl, type FromThread, type ThreadData, type ToThread } from './batch.ts'
import type { Outcome, RunFacts, SharedArgs, SlotCall, TaskEvents } from './call.ts'
import { now, timeoutError } from './run-call.ts'

/** Work handed to a thread at once, as time (ms): large enough that handing over costs little, small enough to share fairly. */
const SLICE = 10
const LARGEST_BATCH = 256
/** Calls that wait for the network, going at once on one thread. */
const IO_WIDTH = 32
/** How long a call that was told to stop may take to do so before its thread is ended (ms). */
const GRACE = 250
const WATCH_EVERY = 50
/** A batch that has been going for so long (ms) holds a call that is slower than its kind was before. */
const STUCK = 5 * SLICE
/** Threads of a flow that has had nothing to do for this long (ms) are given up. */
const IDLE_THREAD = 30_000

/** A call, where it comes from and where its outcome goes. */
export interface Job {
  readonly run: RunFacts
  readonly source: FlowSource
  readonly call: SlotCall
  readonly events: TaskEvents
  readonly done: (outcome: Outcome) => void
  /** Run it on a thread with nothing else: it may be what killed a worker. */
  readonly alone?: boolean | undefined
}

export interface SlotOptions {
  /** The project's folder, where flows are found. */
  readonly root: string
  /** How many threads work at once. */
  readonly count: number
  /** Most memory (bytes) one thread may take. @default none, but for V8's own limit on the heap */
  readonly memory?: number | undefined
}

interface Pending {
  readonly job: Job
  alone: boolean
}

interface Running {
  readonly pending: readonly Pending[]
  readonly open: Set<number>
  readonly control: BatchControl
  readonly port: MessageChannel['port1']
  readonly kill: AbortController
  readonly began: number
  /** Calls told to stop, and why. */
  readonly stopping: Map<number, { readonly failure: Failure; readonly since: number }>
  thread: number | undefined
  peakMemory: number
  /** Since when more memory was in use than allowed, and what was left of it after collecting garbage. */
  over: number | undefined
  inUse: number | undefined
  takenBack: boolean
  /** Since when a call on the thread has been given up: the thread ends as soon as its other calls have. */
  doomed: number | undefined
  /** When the thread was last heard of. */
  heard: number
}

/**
 * The threads of one process that run tasks: those of a driver (threads executor) or of a worker.
 * Calls are handed over in batches that fit {@link SLICE} by how long calls of the task have taken so far.
 * What a busy thread has not begun can be taken back; a call that does not stop when told to, or takes too much
 * memory, loses its thread, and nothing else does.
 */
export class Slots {
  readonly count: number
  private readonly root: string
  private readonly memory: number | undefined
  private readonly pools = new Map<string, Promise<Piscina>>()
  /** Waiting calls by run: runs take turns. */
  private readonly waiting = new Map<string, Pending[]>()
  private readonly batches = new Set<Running>()
  /** Mean duration (ms) of the calls of a task, recent ones weighing more. */
  private readonly durations = new Map<string, number>()
  /** The same of the calls that ended last, of whatever task. */
  private pace: number | undefined
  /** They wait for the network: many may be held by one slot. */
  private wide = false
  private waitingCount = 0
  private dispatching = false
  private watch: NodeJS.Timeout | undefined
  private closed = false

  constructor(options: SlotOptions) {
    this.root = options.root
    this.count = options.count
    this.memory = options.memory
  }

  /** Queues a call. Its outcome goes to `job.done`, always exactly once, unless it is taken back. */
  run(job: Job): void {
    this.enqueue({ job, alone: job.alone ?? false }, 'last')
    this.dispatchSoon()
  }

  /** Calls queued or running. */
  get held(): number {
    let open = this.waitingCount
    for (const batch of this.batches) open += batch.open.size
    return open
  }

  get idle(): boolean {
    return this.batches.size === 0 && this.waitingCount === 0
  }

  /**
   * How many more calls it is good to queue here: `ahead` ms of work at the pace of the calls that ended last, at
   * least one for each free slot. What will come may be slower than that: see {@link surplus}.
   */
  appetite(ahead: number): number {
    const free = this.count - this.batches.size
    if (free <= 0 && this.allStuck()) return 0
    const wanted = this.pace === undefined ? this.count : Math.ceil((ahead * this.count) / Math.max(0.02, this.pace))
    const least = this.wide ? free * IO_WIDTH : free
    return Math.max(0, Math.min(wanted, LARGEST_BATCH * 2) - this.waitingCount, least - this.waitingCount)
  }

  /** Takes out waiting calls that would not begin within `ahead` ms: others may have the time for them. */
  surplus(ahead: number): Job[] {
    let expected = this.allStuck() ? Number.POSITIVE_INFINITY : 0
    const extra = new Set<Pending>()
    let free = this.count - this.batches.size
    for (const queue of this.waiting.values()) {
      for (const pending of queue) {
        const { task, io } = pending.job.call
        free -= io ? 1 / IO_WIDTH : 1
        if (free < 0 && expected > ahead * this.count) extra.add(pending)
        expected += (this.durations.get(task) ?? ahead * 2) / (io ? IO_WIDTH : 1)
      }
    }
    return extra.size === 0 ? [] : this.removeWaiting((pending) => extra.has(pending)).map(({ job }) => job)
  }

  /** Whether every slot has been at one call for long: nobody knows for how much longer. */
  private allStuck(): boolean {
    if (this.batches.size < this.count) return false
    const time = now()
    return [...this.batches].every(({ began }) => time - began > STUCK)
  }

  /** Stops a call, queued or running: its outcome will be Cancelled. */
  cancel(match: (job: Job) => boolean, reason: string): void {
    const failure = toFailure(new CancelledError(reason))
    for (const pending of this.removeWaiting(({ job }) => match(job))) this.finish(pending, stopped(failure))
    for (const batch of this.batches) {
      for (const index of batch.open) {
        const pending = batch.pending[index]
        if (!pending || !match(pending.job) || batch.stopping.has(index)) continue
        this.stop(batch, index, failure)
      }
    }
  }

  /** Gives back all calls that were not begun; they get no outcome here. */
  takeBack(match: (job: Job) => boolean = () => true): Job[] {
    const jobs = this.removeWaiting(({ job }) => match(job)).map(({ job }) => job)
    for (const batch of this.batches) {
      if (batch.takenBack || !batch.pending.some(({ job }) => match(job))) continue
      for (const pending of this.takeBackFrom(batch)) {
        if (match(pending.job)) jobs.push(pending.job)
        else this.enqueue(pending, 'first')
      }
    }
    return jobs
  }

  /** Ends all threads. Calls still going get the outcome Cancelled. */
  async close(): Promise<void> {
    this.closed = true
    this.cancel(() => true, 'the process that ran it ended')
    clearInterval(this.watch)
    for (const batch of this.batches) batch.kill.abort()
    await Promise.all([...this.pools.values()].map(async (pool) => (await pool).destroy()))
  }

  private enqueue(pending: Pending, where: 'first' | 'last'): void {
    const key = pending.job.run.id
    const queue = this.waiting.get(key)
    if (!queue) this.waiting.set(key, [pending])
    else if (where === 'first') queue.unshift(pending)
    else {
      const { priority = 0 } = pending.job.call
      const at = priority === 0 ? queue.length : queue.findIndex(({ job }) => (job.call.priority ?? 0) < priority)
      queue.splice(at < 0 ? queue.length : at, 0, pending)
    }
    this.waitingCount++
  }

  private removeWaiting(match: (pending: Pending) => boolean): Pending[] {
    const removed: Pending[] = []
    for (const [run, queue] of this.waiting) {
      const kept: Pending[] = []
      for (const pending of queue) (match(pending) ? removed : kept).push(pending)
      if (kept.length === 0) this.waiting.delete(run)
      else this.waiting.set(run, kept)
    }
    this.waitingCount -= removed.length
    return removed
  }

  /** Once per turn of the event loop, so that calls made together travel together. */
  private dispatchSoon(): void {
    if (this.dispatching) return
    this.dispatching = true
    setImmediate(() => {
      this.dispatching = false
      this.dispatch()
    })
  }

  private dispatch(): void {
    while (!this.closed && this.batches.size < this.count) {
      const pending = this.nextBatch()
      if (!pending) break
      void this.runBatch(pending)
    }
    if (this.batches.size > 0 && !this.watch) {
      this.watch = setInterval(() => this.look(), WATCH_EVERY)
      this.watch.unref()
    }
  }

  /** The next calls for one thread: of the run whose turn it is, about {@link SLICE} ms of them. */
  private nextBatch(): Pending[] | undefined {
    const [turn] = this.waiting
    if (!turn) return undefined
    const [run, queue] = turn
    const share = Math.ceil(queue.length / (this.count - this.batches.size))
    const most = Math.min(LARGEST_BATCH, share)
    const first = queue[0] as Pending
    const io = first.job.call.io ?? false
    let expected = 0
    let size = 0
    while (size < Math.min(queue.length, most)) {
      const next = queue[size] as Pending
      if ((next.job.call.io ?? false) !== io || next.job.source.digest !== first.job.source.digest) break
      if (size > 0 && (next.alone || first.alone)) break
      const known = this.durations.get(next.job.call.task)
      // A task never seen before is tried with one call, or as many as may wait side by side.
      expected += (known ?? SLICE) / (io ? IO_WIDTH : 1)
      if (size >= (io ? IO_WIDTH : 1) && expected > SLICE) break
      size++
    }
    const batch = queue.splice(0, size)
    this.waitingCount -= size
    this.waiting.delete(run)
    if (queue.length > 0) this.waiting.set(run, queue)
    return batch
  }

  private async runBatch(pending: readonly Pending[]): Promise<void> {
    const first = pending[0] as Pending
    const { port1, port2 } = new MessageChannel()
    const control = BatchControl.for(pending.length)
    const running: Running = {
      pending,
      open: new Set(pending.keys()),
      control,
      port: port1,
      kill: new AbortController(),
      began: now(),
      stopping: new Map(),
      thread: undefined,
      peakMemory: 0,
      doomed: undefined,
      heard: now(),
      over: undefined,
      inUse: undefined,
      takenBack: false,
    }
    this.batches.add(running)
    const closed = new Promise<void>((resolve) => port1.once('close', () => resolve()))
    port1.on('message', (message: FromThread) => this.receive(running, message))
    const calls = pending.map(({ job: { call } }) => ({ ...call, shared: call.shared?.hash }))
    const batch: Batch = {
      run: first.job.run,
      calls,
      shared: sharedOf(pending),
      control: control.memory,
      width: first.job.call.io ? Math.min(IO_WIDTH, pending.length) : 1,
      watched: this.memory !== undefined || pending.some(({ job }) => job.call.memory !== undefined),
      port: port2,
    }
    let broken: unknown
    try {
      const pool = await this.pool(first.job.source)
      await pool.run(batch, { transferList: [port2], signal: running.kill.signal })
    } catch (error) {
      broken = error
      port2.close()
    }
    await closed
    this.batches.delete(running)
    if (running.open.size > 0) this.settleBroken(running, broken)
    if (this.batches.size === 0) {
      clearInterval(this.watch)
      this.watch = undefined
    }
    this.dispatch()
  }

  private receive(batch: Running, message: FromThread): void {
    batch.heard = now()
    if (message.kind === 'thread') {
      batch.thread = message.id
      return
    }
    if (message.kind === 'outcomes') {
      for (const [index, outcome] of message.outcomes) this.settle(batch, index, outcome)
      return
    }
    if (message.kind === 'memory') {
      batch.inUse = message.used
      return
    }
    if (message.kind === 'stray') {
      batch.pending[0]?.job.events.log(message.seq, message.task, message.entry)
      return
    }
    const pending = batch.pending[message.index]
    if (!pending) return
    const { call, events } = pending.job
    if (message.kind === 'log') events.log(call.seq, call.task, message.entry)
    else events.progress(call.seq, call.task, message.progress)
  }

  private settle(batch: Running, index: number, outcome: Outcome): void {
    const pending = batch.pending[index]
    if (!pending || !batch.open.delete(index)) return
    const stopping = batch.stopping.get(index)
    this.finish(
      pending,
      stopping && outcome.state === 'Failed' ? { ...outcome, ...stopped(stopping.failure) } : outcome,
    )
  }

  private finish(pending: Pending, outcome: Outcome): void {
    const { task } = pending.job.call
    const took = outcome.ended - outcome.started
    const before = this.durations.get(task)
    this.durations.set(task, before === undefined ? took : before * 0.8 + took * 0.2)
    const each = pending.job.call.io ? took / IO_WIDTH : took
    this.pace = this.pace === undefined || each > this.pace ? each : this.pace * 0.8 + each * 0.2
    this.wide = pending.job.call.io ?? false
    pending.job.done(outcome)
  }

  /** The thread of a batch is gone. Calls that were not to blame go back into the queue. */
  private settleBroken(batch: Running, error: unknown): void {
    const begun = [...batch.open].filter((index) => batch.control.runningSince(index) !== undefined)
    const again: Pending[] = []
    for (const index of [...batch.open]) {
      const pending = batch.pending[index] as Pending
      const started = batch.control.runningSince(index)
      const stopping = batch.stopping.get(index)
      if (stopping) {
        this.settle(batch, index, { ...stopped(stopping.failure), started: started ?? stopping.since, ended: now() })
      } else if (started === undefined || this.wasKilled(batch) || begun.length > 1) {
        // With several calls going on the thread, each is run again alone: then it is known which one it was.
        batch.open.delete(index)
        again.push({ job: pending.job, alone: pending.alone || (begun.length > 1 && !this.wasKilled(batch)) })
      } else {
        const failure = toFailure(this.explain(pending.job.call, batch, error))
        this.settle(batch, index, { state: 'Failed', failure, started, ended: now() })
      }
    }
    if (this.closed)
      for (const each of again) this.finish(each, stopped(toFailure(new CancelledError('the process ended'))))
    else for (const each of again.reverse()) this.enqueue(each, 'first')
  }

  private wasKilled(batch: Running): boolean {
    return batch.stopping.size > 0 || batch.doomed !== undefined
  }

  private explain(call: SlotCall, batch: Running, error: unknown): Error {
    const text = error instanceof Error ? error.message : String(error)
    if ((error as { code?: string } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      return outOfMemory(call, this.limitOf(call), batch.peakMemory)
    }
    if (/exited with code/.test(text)) return new Error(`task ${call.task} ended its thread (process.exit?): ${text}`)
    return error instanceof Error ? error : new Error(text)
  }

  private limitOf(call: SlotCall): number | undefined {
    return call.memory === undefined ? this.memory : Math.min(call.memory, this.memory ?? call.memory)
  }

  private stop(batch: Running, index: number, failure: Failure): void {
    batch.stopping.set(index, { failure, since: now() })
    if (batch.control.runningSince(index) === undefined && !batch.takenBack) {
      for (const pending of this.takeBackFrom(batch)) this.enqueue(pending, 'first')
    }
    batch.port.postMessage({ kind: 'stop', index, failure } satisfies ToThread)
  }

  /** Takes back what the thread has not begun; calls that were to be stopped get their outcome. */
  private takeBackFrom(batch: Running): Pending[] {
    batch.takenBack = true
    const from = batch.control.takeBack()
    const back: Pending[] = []
    for (let index = from; index < batch.pending.length; index++) {
      const pending = batch.pending[index] as Pending
      if (!batch.open.has(index)) continue
      const stopping = batch.stopping.get(index)
      if (stopping) this.settle(batch, index, stopped(stopping.failure))
      else {
        batch.open.delete(index)
        back.push(pending)
      }
    }
    return back
  }

  /** Looks after the running batches: overdue calls, calls that do not stop, memory, and unfair hold-ups. */
  private look(): void {
    const time = now()
    for (const batch of this.batches) {
      for (const index of batch.open) {
        const started = batch.control.runningSince(index)
        const call = batch.pending[index]?.job.call
        const stopping = batch.stopping.get(index)
        if (stopping && time - stopping.since > GRACE) this.giveUp(batch, index, stopping.failure)
        if (!started || !call || stopping) continue
        // The thread itself stops an overdue call; where it cannot, because the call keeps it busy, it is ended.
        if (call.timeout !== undefined && time - started > call.timeout + GRACE) {
          this.giveUp(batch, index, toFailure(timeoutError(call)))
        }
      }
      if (batch.doomed !== undefined) this.endDoomed(batch, batch.doomed)
      if (batch.thread !== undefined) void this.lookAtMemory(batch)
      // One call took longer than its kind did before: the rest of its batch must not wait for it.
      const stuck = time - batch.began > STUCK && !batch.takenBack && batch.open.size > 1
      if (stuck) {
        for (const pending of this.takeBackFrom(batch).reverse()) this.enqueue(pending, 'first')
        this.dispatchSoon()
      }
    }
  }

  /** A call does not stop. It is over for whoever waits for it; its thread ends when the calls beside it have. */
  private giveUp(batch: Running, index: number, failure: Failure): void {
    const started = batch.control.runningSince(index) ?? now()
    for (const pending of batch.takenBack ? [] : this.takeBackFrom(batch)) this.enqueue(pending, 'first')
    batch.stopping.delete(index)
    this.settle(batch, index, { ...stopped(failure), started, ended: now() })
    batch.doomed ??= now()
  }

  private endDoomed(batch: Running, since: number): void {
    const silent = now() - Math.max(since, batch.heard) > 2 * GRACE
    if (batch.open.size === 0 || silent) batch.kill.abort()
    else batch.port.postMessage({ kind: 'ping' } satisfies ToThread)
  }

  private async lookAtMemory(batch: Running): Promise<void> {
    const index = [...batch.open].find((each) => batch.control.runningSince(each) !== undefined)
    const call = index === undefined ? undefined : batch.pending[index]?.job.call
    const limit = call && this.limitOf(call)
    if (index === undefined || !call || limit === undefined || batch.stopping.has(index)) return
    const source = batch.pending[index]?.job.source
    const pool = source && (await this.pools.get(source.digest))
    const thread = pool?.threads.find((each) => each.threadId === batch.thread)
    const heap = await thread?.getHeapStatistics().catch(() => undefined)
    if (!heap || !batch.open.has(index)) return
    const used = heap.used_heap_size + heap.external_memory
    if (used <= limit) {
      batch.over = undefined
      return
    }
    if (batch.over === undefined) {
      // It may be garbage: a thread that answers says what is left without.
      batch.over = now()
      batch.inUse = undefined
      batch.port.postMessage({ kind: 'collect' } satisfies ToThread)
      return
    }
    if (batch.inUse === undefined && now() - batch.over < GRACE) return
    if (batch.inUse !== undefined && batch.inUse <= limit) {
      batch.over = undefined
      return
    }
    batch.peakMemory = Math.max(batch.peakMemory, batch.inUse ?? used)
    batch.stopping.set(index, { failure: toFailure(outOfMemory(call, limit, batch.peakMemory)), since: now() })
    batch.kill.abort()
  }

  private pool(source: FlowSource): Promise<Piscina> {
    const known = this.pools.get(source.digest)
    if (known) return known
    const pool = import('piscina').then(
      ({ Piscina }) =>
        new Piscina({
          filename: new URL('./thread.ts', import.meta.url).href,
          minThreads: 0,
          maxThreads: this.count,
          idleTimeout: IDLE_THREAD,
          // A thread that waits on an atomic cannot answer its open connections.
          atomics: 'disabled',
          recordTiming: false,
          workerData: { root: this.root, source } satisfies ThreadData,
          ...(this.memory && { resourceLimits: { maxOldGenerationSizeMb: Math.ceil(this.memory / 2 ** 20) } }),
        }),
    )
    this.pools.set(source.digest, pool)
    return pool
  }
}

function sharedOf(pending: readonly Pending[]): SharedArgs[] {
  const found = new Map<string, SharedArgs>()
  for (const { job } of pending) if (job.call.shared) found.set(job.call.shared.hash, job.call.shared)
  return [...found.values()].map(({ hash, bytes }) => ({ hash, bytes: asBytes(bytes) }))
}

function stopped(failure: Failure): Outcome {
  const time = now()
  const state = failure.name === 'CancelledError' ? 'Cancelled' : 'Failed'
  return { state, failure, started: time, ended: time }
}

function outOfMemory(call: SlotCall, limit: number | undefined, peak: number): OutOfMemoryError {
  const limits = limit === undefined ? '' : `, limit ${formatBytes(limit)}`
  return new OutOfMemoryError(`task ${call.task} ran out of memory${limits}, peak ${formatBytes(peak)}`)
}
