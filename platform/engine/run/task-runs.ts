import {
  CancelledError,
  formatDuration,
  type LogLevel,
  type Progress,
  type Settled,
  type SubmittedTask,
  type TaskDefinition,
  type TaskRunner,
} from '@millrace/sdk'
import type { Executor } from '../executors/executor.ts'
import type { Outcome, SharedArgs } from '../slots/call.ts'
import type { TaskState } from '../states.ts'
import type { JournalEntry, RunStore } from '../store/run-store.ts'
import { asBytes, decode, encode, fingerprint } from '../values/codec.ts'
import { type Failure, toError, toFailure } from '../values/failure.ts'
import { gather } from './gather.ts'
import { isJournalled, isOpen, Journal } from './journal.ts'
import { Limits } from './limits.ts'
import { Maps, type RunMap } from './maps.ts'
import { recordOf, type TaskCall } from './task-call.ts'
import { newTally, type TaskTally } from './task-tally.ts'

/** Longest wait between two attempts (ms). */
const LONGEST_DELAY = 3_600_000
/** Arguments (bytes) held for calls under way, above which maps wait. */
const MOST_HELD = 256 * 2 ** 20
const NO_KEY = new Uint8Array(0)

export interface TaskRunsOptions {
  readonly run: string
  readonly store: RunStore
  readonly executor: Executor
  /** Of earlier attempts at the run. */
  readonly journal: readonly JournalEntry[]
  readonly say: (level: LogLevel, message: string) => void
}

/**
 * The tasks of one flow run, as its driver sees them: journal, cache, limits and retries, around an executor
 * that runs one attempt at a time.
 */
export class TaskRuns implements TaskRunner {
  readonly window: number
  /** By task, in order of first call. */
  readonly tallies = new Map<string, TaskTally>()
  private readonly options: TaskRunsOptions
  private readonly executor: Executor
  private readonly store: RunStore
  private readonly journal: Journal
  private readonly active = new Map<number, TaskCall>()
  private readonly limits = new Limits<TaskCall>((call) => this.start(call))
  private readonly maps = new Maps()
  private readonly paused: TaskCall[] = []
  /** Calls to be cancelled together. */
  private readonly cancelling = new Map<string, Set<number>>()
  private readonly failures: { readonly submitted: SubmittedTask; readonly error: Error }[] = []
  private next: number
  private heldBytes = 0
  private isPaused = false
  private stopped: Failure | undefined
  private whenIdle: (() => void)[] = []
  private readonly readResult: (seq: number) => Promise<Uint8Array | undefined>
  private readonly readCache: (key: string) => Promise<Uint8Array | undefined>
  private readonly record: (record: ReturnType<typeof recordOf>) => Promise<void>

  constructor(options: TaskRunsOptions) {
    const { run, store, executor } = options
    this.options = options
    this.store = store
    this.executor = executor
    this.window = executor.window
    this.journal = new Journal(options.journal)
    this.next = this.journal.firstFree
    this.readResult = gather(async (seqs) => {
      const found = await store.results(run, seqs)
      return seqs.map((seq) => found.get(seq))
    })
    this.readCache = gather(async (keys) => {
      const found = await store.cached(keys)
      return keys.map((key) => found.get(key))
    })
    this.record = gather(async (records) => {
      await store.recordTasks(run, records)
      return records.map(() => undefined)
    })
  }

  get full(): boolean {
    return this.heldBytes > MOST_HELD
  }

  batch(...[definition, shared, total, source]: Parameters<TaskRunner['batch']>): RunMap {
    const tally = this.tally(definition.name)
    if (total !== undefined) tally.total = (tally.total ?? tally.submitted) + total
    return this.maps.open(definition.name, shared, source, () => this.settleIdle())
  }

  submit(definition: TaskDefinition, args: readonly unknown[], map?: RunMap): SubmittedTask {
    const { promise, resolve } = Promise.withResolvers<Settled<unknown>>()
    const tally = this.tally(definition.name)
    tally.submitted++
    if (tally.total !== undefined && tally.submitted > tally.total) tally.total = tally.submitted
    let call: TaskCall | undefined
    const submitted: SubmittedTask = {
      settled: promise,
      cancel: (reason) => call && this.cancelCall(call, reason ?? 'cancelled by the flow'),
      observed: false,
    }
    try {
      call = this.makeCall(definition, args, map?.encoded(), { tally, submitted, settle: resolve })
    } catch (error) {
      const reason = error as Error
      tally.failed++
      this.options.say('error', reason.message)
      this.failures.push({ submitted, error: reason })
      resolve({ status: 'rejected', reason })
      return submitted
    }
    this.active.set(call.seq, call)
    this.heldBytes += call.args.byteLength
    if (this.stopped) this.end(call, 'Cancelled', this.stopped)
    else this.begin(call)
    return submitted
  }

  /** The failure of a call or a map that nobody awaited: it must not pass unseen. */
  unobservedFailure(): Error | undefined {
    return this.failures.find(({ submitted }) => !submitted.observed)?.error ?? this.maps.unobservedFailure()
  }

  /** The flow function has ended: resolves when no call is open, and no map has items left. */
  async idle(): Promise<void> {
    this.maps.finish()
    // A map that was just begun makes itself known in a microtask.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.active.size > 0 || this.maps.size > 0) {
      await new Promise<void>((resolve) => {
        this.whenIdle.push(resolve)
      })
    }
  }

  /** Cancels all calls, and every one that is made from now on. */
  cancelAll(reason: string): void {
    this.stopped = toFailure(new CancelledError(reason))
    this.isPaused = false
    this.maps.stop()
    for (const call of [...this.active.values()]) if (!call.given) this.end(call, 'Cancelled', this.stopped)
    this.executor.cancel(reason)
  }

  /** Ends all calls as failed, without asking the executor, which is out of order. */
  abandon(error: Error): void {
    this.stopped = toFailure(error)
    this.maps.stop()
    for (const call of [...this.active.values()]) {
      this.close(call)
      call.settle({ status: 'rejected', reason: error })
    }
  }

  /** While paused, calls wait; those that run go on. */
  pause(): void {
    this.isPaused = true
  }

  unpause(): void {
    this.isPaused = false
    for (const call of this.paused.splice(0)) if (!call.over) this.start(call)
  }

  progress(seq: number, task: string, progress: Progress): void {
    if (this.active.has(seq)) this.tallies.get(task)?.progress.set(seq, progress)
  }

  private tally(task: string): TaskTally {
    const tally = this.tallies.get(task) ?? newTally()
    this.tallies.set(task, tally)
    return tally
  }

  private makeCall(
    definition: TaskDefinition,
    args: readonly unknown[],
    shared: SharedArgs | undefined,
    more: Pick<TaskCall, 'tally' | 'submitted' | 'settle'>,
  ): TaskCall {
    const { name, options } = definition
    const bytes = encode(args, `task ${name}: an argument`)
    const key = this.store.durable ? this.journal.keyOf(name, bytes, shared) : NO_KEY
    const before = this.store.durable ? this.journal.find(key) : undefined
    const adopted = before !== undefined && isOpen(before)
    const attempt = (before?.attempt ?? 0) + (adopted ? 0 : 1)
    const { cache, limit } = options
    return {
      ...more,
      seq: before?.seq ?? this.next++,
      key,
      definition,
      task: name,
      limit,
      args: bytes,
      shared,
      created: Date.now(),
      cacheKey: cache && `${name}:${cache.key ?? fingerprint([args, shared?.hash])}`,
      before,
      adopted,
      firstAttempt: attempt,
      attempt,
      over: false,
      given: false,
      holdsPlace: false,
      retry: undefined,
    }
  }

  private begin(call: TaskCall): void {
    if (call.before && isJournalled(call.before)) {
      this.replay(call, call.before).catch((error: unknown) => this.fail(call, error))
    } else if (call.cacheKey !== undefined) {
      this.lookInCache(call, call.cacheKey).catch((error: unknown) => this.fail(call, error))
    } else this.limits.admit(call)
  }

  /** The call was finished by an earlier attempt at the run: its result is taken from there. */
  private async replay(call: TaskCall, before: JournalEntry): Promise<void> {
    const result = before.state === 'Skipped' ? undefined : await this.readResult(call.seq)
    if (call.over) return
    call.tally.reused++
    if (before.state === 'Skipped') this.end(call, 'Skipped', { name: 'Skipped', message: 'in an earlier attempt' })
    else this.succeed(call, result)
  }

  private async lookInCache(call: TaskCall, key: string): Promise<void> {
    const result = await this.readCache(key)
    if (call.over) return
    if (!result) return this.limits.admit(call)
    call.tally.reused++
    const time = Date.now()
    await this.write(call, 'Cached', { result: asBytes(result), started: time, ended: time })
    this.succeed(call, result)
  }

  private start(call: TaskCall): void {
    if (this.isPaused) {
      this.paused.push(call)
      return
    }
    call.given = true
    call.tally.running++
    const { definition, task, seq, key, args, shared, attempt, adopted } = call
    const { timeout, memory, io, priority } = definition.options
    const slotCall = { definition, task, seq, key, args, shared, attempt, adopted, timeout, memory, io, priority }
    this.executor.run(slotCall, (outcome) => {
      call.given = false
      call.tally.running--
      if (!call.over) this.finish(call, outcome).catch((error: unknown) => this.fail(call, error))
    })
  }

  private async finish(call: TaskCall, outcome: Outcome): Promise<void> {
    const { task, definition } = call
    const { retries, cache } = definition.options
    const tries = call.attempt - call.firstAttempt + 1
    if (outcome.state === 'Failed' && tries <= retries && !this.stopped) {
      this.retry(call, tries, outcome)
      return
    }
    if (outcome.state === 'Failed' || outcome.state === 'Crashed') {
      const after = retries > 0 ? ` after ${tries} attempts` : ''
      this.options.say('error', `task ${task}-${call.seq} failed${after}: ${outcome.failure?.message ?? ''}`)
    }
    if (!this.executor.records) {
      const recorded = this.write(call, outcome.state, outcome)
      // Where results survive the process, nobody may build on one that is not written down yet.
      if (this.store.durable) await recorded
    }
    if (outcome.state !== 'Completed') this.end(call, outcome.state, outcome.failure)
    else {
      if (call.cacheKey !== undefined && cache && outcome.result) {
        await this.store.cache(call.cacheKey, outcome.result, cache.for)
      }
      this.succeed(call, outcome.result)
    }
  }

  private retry(call: TaskCall, tries: number, outcome: Outcome): void {
    const { task, seq } = call
    const { retries, retryDelay, backoff } = call.definition.options
    const delay = Math.min(LONGEST_DELAY, retryDelay * (backoff === 'exponential' ? 2 ** (tries - 1) : 1))
    const why = outcome.failure?.message ?? ''
    this.options.say(
      'warn',
      `task ${task}-${seq} failed: ${why}; retry ${tries} of ${retries} in ${formatDuration(delay)}`,
    )
    call.attempt++
    call.adopted = false
    call.retry = setTimeout(() => {
      if (!call.over) this.start(call)
    }, delay)
  }

  private write(
    call: TaskCall,
    state: TaskState,
    outcome: Pick<Outcome, 'result' | 'failure' | 'started' | 'ended'>,
  ): Promise<void> {
    const record = recordOf(call, state, outcome)
    return this.store.durable ? this.record(record) : this.store.recordTasks(this.options.run, [record])
  }

  private succeed(call: TaskCall, result: Uint8Array | undefined): void {
    if (call.over) return
    try {
      const value = result ? decode(result) : undefined
      this.close(call)
      call.tally.done++
      call.settle({ status: 'fulfilled', value })
    } catch (error) {
      this.fail(call, error)
    }
  }

  private fail(call: TaskCall, error: unknown): void {
    this.end(call, 'Failed', toFailure(error), error instanceof Error ? error : undefined)
  }

  private end(call: TaskCall, state: TaskState, failure: Failure | undefined, thrown?: Error): void {
    if (call.over) return
    this.close(call)
    if (state === 'Skipped') {
      call.tally.skipped++
      call.settle({ status: 'skipped', reason: failure?.message ?? '' })
      return
    }
    call.tally.failed++
    const reason = thrown ?? toError(failure ?? { name: 'Error', message: `task ${call.task} ended as ${state}` })
    if (!call.submitted.observed) this.failures.push({ submitted: call.submitted, error: reason })
    call.settle({ status: 'rejected', reason })
  }

  private close(call: TaskCall): void {
    if (call.over) return
    call.over = true
    clearTimeout(call.retry)
    this.active.delete(call.seq)
    this.heldBytes -= call.args.byteLength
    call.tally.progress.delete(call.seq)
    this.limits.leave(call)
    this.settleIdle()
  }

  private settleIdle(): void {
    if (this.active.size > 0 || this.maps.size > 0) return
    for (const resolve of this.whenIdle.splice(0)) resolve()
  }

  private cancelCall(call: TaskCall, reason: string): void {
    if (call.over) return
    // Whoever cancels a call knows that it will not give a result.
    call.submitted.observed = true
    if (!call.given) {
      this.end(call, 'Cancelled', toFailure(new CancelledError(reason)))
      return
    }
    if (this.cancelling.size === 0) queueMicrotask(() => this.sendCancels())
    const seqs = this.cancelling.get(reason) ?? new Set()
    this.cancelling.set(reason, seqs.add(call.seq))
  }

  /** Calls cancelled in the same turn, as those of a map are, go to the executor together. */
  private sendCancels(): void {
    for (const [reason, seqs] of this.cancelling) this.executor.cancel(reason, seqs)
    this.cancelling.clear()
  }
}
