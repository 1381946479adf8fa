import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { LogEntry } from '@millrace/sdk'
import { toFailure } from '../values/failure.ts'
import { pack, unpack } from '../values/wire.ts'
import { IO_WIDTH } from './backlog.ts'
import type { Batch, FromThread, ToThread, WireCall, WireOutcome, WireShared } from './batch.ts'
import { BatchControl } from './batch-control.ts'
import type { Outcome } from './call.ts'
import type { Pending } from './job.ts'
import { now, stopped, timeoutError } from './run-call.ts'
import { inSharedMemory, runFactsInSharedMemory } from './shared-memory.ts'
import { brokenThread } from './thread-errors.ts'
import type { ThreadPools } from './thread-pools.ts'

/** Calls that may be added to a batch that waits for the network, all in all. */
const MOST_ADDED = 2000
/** A thread that has not ended a call so long (ms) after it had to is busy, and is ended. */
const PATIENCE = 500

/** Whom a batch tells what becomes of its calls. */
export interface BatchOwner {
  finish(pending: Pending, outcome: Outcome): void
  /** The calls were not begun, or were begun beside one that ended their thread: they have to run again. */
  again(pending: readonly Pending[]): void
  /** Something went wrong in the name of a call that is over. */
  stray(run: string, seq: number, task: string, entry: LogEntry): void
}

/** A batch of calls on one thread, seen from the pool. */
export class RunningBatch {
  readonly first: Pending
  readonly began = now()
  /** Calls that have no outcome yet. */
  readonly open = new Set<number>()
  /** Memory (bytes) of the thread: most that was seen, when it was asked to collect garbage, and what was left then. */
  readonly memory: { peak: number; asked: number | undefined; left: number | undefined } = {
    peak: 0,
    asked: undefined,
    left: undefined,
  }
  /** The thread's number, once it is known. */
  thread: number | undefined
  private readonly owner: BatchOwner
  private readonly pending: Pending[] = []
  private readonly control: BatchControl
  private readonly port: MessagePort
  private readonly kill = new AbortController()
  /** Calls told to stop, and why. */
  private readonly stopping = new Map<number, { readonly reason: Error; readonly since: number }>()
  private takenBack = false
  private tainted = false
  private isOver = false

  constructor(pending: readonly [Pending, ...Pending[]], owner: BatchOwner) {
    this.first = pending[0]
    this.owner = owner
    this.control = BatchControl.for(pending.length + (this.isIo ? MOST_ADDED : 0))
    const { port1, port2 } = new MessageChannel()
    this.port = port1
    this.otherPort = port2
    for (const each of pending) this.keep(each)
  }

  private readonly otherPort: MessagePort

  /** Resolves when every call has its outcome, or was handed back. Never rejects. */
  async run(pools: ThreadPools, watched: boolean): Promise<void> {
    const { run, source } = this.first.job
    const closed = new Promise<void>((resolve) => this.port.once('close', () => resolve()))
    this.port.on('message', (message: FromThread) => this.receive(message))
    const batch: Batch = {
      runKey: `${run.id}/${run.attempt}`,
      run: runFactsInSharedMemory(run),
      ...this.wire(this.pending),
      control: this.control.memory,
      width: this.isIo ? IO_WIDTH : 1,
      watched,
      port: this.otherPort,
    }
    let error: unknown
    const ran = pools.run(source, batch, this.kill.signal).catch((reason: unknown) => {
      error = reason
      this.otherPort.close()
    })
    await closed
    if (this.tainted) this.kill.abort()
    await ran
    this.isOver = true
    this.settleRest(error)
  }

  get isIo(): boolean {
    return this.first.job.call.io ?? false
  }

  /** How many more calls it has a place for right now. */
  get room(): number {
    if (!this.isIo || this.takenBack || this.isOver || this.kill.signal.aborted) return 0
    return Math.min(IO_WIDTH - this.open.size, this.control.room - this.pending.length)
  }

  /** Adds calls to a batch that has {@link room}. */
  add(more: readonly Pending[]): void {
    for (const each of more) this.keep(each)
    this.tell({ kind: 'more', ...this.wire(more) })
  }

  /** Stops the calls that match: their outcome will say `reason`, unless they end before. */
  stop(match: (pending: Pending) => boolean, reason: Error): void {
    const hit = [...this.open].filter((index) => !this.stopping.has(index) && match(this.pending[index] as Pending))
    if (hit.length === 0) return
    for (const index of hit) this.stopping.set(index, { reason, since: now() })
    // Those not begun never need to.
    if (hit.some((index) => this.control.runningSince(index) === undefined)) this.owner.again(this.takeBack())
    const failure = toFailure(reason)
    for (const index of hit) if (this.open.has(index)) this.tell({ kind: 'stop', index, failure })
  }

  /** Takes back what the thread has not begun; calls that were to be stopped get their outcome. */
  takeBack(): Pending[] {
    if (this.takenBack) return []
    this.takenBack = true
    const back: Pending[] = []
    for (let index = this.control.takeBack(); index < this.pending.length; index++) {
      if (!this.open.has(index)) continue
      const stopping = this.stopping.get(index)
      if (stopping) this.settle(index, stopped(stopping.reason))
      else {
        this.open.delete(index)
        back.push(this.pending[index] as Pending)
      }
    }
    return back
  }

  collectGarbage(): void {
    this.tell({ kind: 'collect' })
  }

  /** Ends the thread. Calls on it that were not told to stop run again. */
  end(): void {
    this.kill.abort()
  }

  /** Ends the thread if a call should have stopped long ago: it keeps the thread busy, and cannot stop by itself. */
  endIfOverdue(time: number): void {
    for (const [index, since] of this.runningCalls()) {
      const { call } = (this.pending[index] as Pending).job
      const stopping = this.stopping.get(index)
      if (stopping === undefined && call.timeout !== undefined && time - since > call.timeout + PATIENCE) {
        this.stopping.set(index, { reason: timeoutError(call), since: 0 })
      }
      if (time - (this.stopping.get(index)?.since ?? time) > PATIENCE) this.end()
    }
  }

  /** Stops a call at once, with its thread. */
  endCall(index: number, reason: Error): void {
    this.stopping.set(index, { reason, since: now() })
    this.end()
  }

  /** The calls that are going, and since when. */
  *runningCalls(): Iterable<readonly [index: number, since: number]> {
    for (const index of this.open) {
      const since = this.control.runningSince(index)
      if (since !== undefined) yield [index, since]
    }
  }

  isStopping(index: number): boolean {
    return this.stopping.has(index)
  }

  /** How many of its calls were not begun. */
  get unbegun(): number {
    return this.takenBack ? 0 : this.open.size - [...this.runningCalls()].length
  }

  at(index: number): Pending {
    return this.pending[index] as Pending
  }

  private keep(pending: Pending): void {
    this.open.add(this.pending.length)
    this.pending.push(pending)
  }

  private wire(pending: readonly Pending[]): { calls: Uint8Array; shared: WireShared[] } {
    const shared = new Map<string, WireShared>()
    const calls = pending.map(({ job: { call } }): WireCall => {
      if (call.shared) shared.set(call.shared.hash, inSharedMemory(call.shared))
      return { ...call, shared: call.shared?.hash }
    })
    return { calls: pack(calls), shared: [...shared.values()] }
  }

  private tell(message: ToThread): void {
    this.port.postMessage(message)
  }

  private receive(message: FromThread): void {
    if (message.kind === 'outcomes') {
      const large = new Map(message.large)
      for (const [index, state, started, ended, result, failure] of unpack<WireOutcome[]>(message.outcomes)) {
        this.settle(index, { state, started, ended, result: large.get(index) ?? result, failure })
      }
    } else if (message.kind === 'thread') this.thread = message.id
    else if (message.kind === 'tainted') this.tainted = true
    else if (message.kind === 'memory') this.memory.left = message.used
    else if (message.kind === 'stray') this.owner.stray(message.run, message.seq, message.task, message.entry)
    else {
      const { call, events } = this.at(message.index).job
      if (message.kind === 'log') events.log(call.seq, call.task, message.entry)
      else events.progress(call.seq, call.task, message.progress)
    }
  }

  private settle(index: number, outcome: Outcome): void {
    if (this.open.delete(index)) this.owner.finish(this.at(index), outcome)
  }

  /** The thread is gone. Calls that were not to blame have to run again. */
  private settleRest(error: unknown): void {
    const begun = [...this.runningCalls()]
    const wasEnded = this.kill.signal.aborted
    const again: Pending[] = []
    for (const index of [...this.open]) {
      const pending = this.at(index)
      const since = this.control.runningSince(index)
      const stopping = this.stopping.get(index)
      if (stopping) this.settle(index, stopped(stopping.reason, since))
      else if (since === undefined || wasEnded || begun.length > 1) {
        // With several calls going on the thread, each is run again alone: then it is known which one it was.
        this.open.delete(index)
        again.push({ ...pending, alone: pending.alone || (!wasEnded && since !== undefined) })
      } else this.settle(index, stopped(brokenThread(pending.job.call, error, this.memory.peak), since))
    }
    this.owner.again(again)
  }
}
