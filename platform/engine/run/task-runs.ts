import { hash } from 'node:crypto'
import {
  type BatchSource,
  CancelledError,
  formatDuration,
  type LogLevel,
  type Progress,
  type Settled,
  type SubmittedTask,
  type TaskBatch,
  type TaskDefinition,
  type TaskRunner,
} from '@millrace/sdk'
import type { Executor } from '../executors/executor.ts'
import type { Outcome, SharedArgs } from '../slots/call.ts'
import { JOURNALLED, type TaskState } from '../states.ts'
import type { JournalEntry, RunStore, TaskRecord } from '../store/run-store.ts'
import { asBytes, decode, digest, encode, fingerprint } from '../values/codec.ts'
import { type Failure, toError, toFailure } from '../values/failure.ts'
import { gather } from './gather.ts'

/** Longest wait between two attempts (ms). */
const LONGEST_DELAY = 3_600_000
const NO_KEY = new Uint8Array(0)

/** How the calls of one task stand. */
export interface TaskTally {
  /** Calls there will be, where that is known. */
  total: number | undefined
  submitted: number
  running: number
  done: number
  failed: number
  skipped: number
  /** Taken from the journal or the cache. */
  reused: number
  /** From inside tasks that are running: sums of what they said. */
  readonly progress: Map<number, Progress>
}

interface TaskCall {
  readonly seq: number
  readonly key: Uint8Array
  readonly definition: TaskDefinition
  readonly args: Uint8Array
  readonly shared: SharedArgs | undefined
  readonly created: number
  readonly cacheKey: string | undefined
  readonly tally: TaskTally
  readonly settle: (result: Settled<unknown>) => void
  attempt: number
  submitted: SubmittedTask | undefined
  over: boolean
  /** It is with the executor. */
  given: boolean
  /** It counts against its task's limit. */
  holdsPlace: boolean
  retry: NodeJS.Timeout | undefined
}

interface Batch extends TaskBatch {
  readonly encoded: SharedArgs | undefined
}

/**
 * The tasks of one flow run, as its driver sees them: journal, cache, limits and retries, around an executor
 * that runs one attempt at a time.
 */
export class TaskRuns implements TaskRunner {
  readonly window: number
  /** By task, in order of first call. */
  readonly tallies = new Map<string, TaskTally>()
  private readonly run: string
  private readonly store: RunStore
  private readonly executor: Executor
  private readonly say: (level: LogLevel, message: string) => void
  private readonly journal: ReadonlyMap<string, JournalEntry>
  private next: number
  /** How often the same call was made; the common case, once, costs a set entry. */
  private readonly once = new Set<number>()
  private readonly occurrences = new Map<number, number>()
  private readonly active = new Map<number, TaskCall>()
  private readonly limits = new Map<string, { going: number; readonly waiting: TaskCall[] }>()
  private readonly held: TaskCall[] = []
  private holding = false
  private stopped: Failure | undefined
  private readonly failures: { readonly watched: { readonly observed: boolean }; readonly error: Error }[] = []
  /** Maps under way. */
  private readonly maps = new Set<BatchSource>()
  private finishing = false
  private whenIdle = (): void => {}
  private readonly readResult: (seq: number) => Promise<Uint8Array | undefined>
  private readonly readCache: (key: string) => Promise<Uint8Array | undefined>
  private readonly record: (record: TaskRecord) => Promise<void>

  constructor(options: {
    run: string
    store: RunStore
    executor: Executor
    /** Of earlier attempts at the run. */
    journal: readonly JournalEntry[]
    say: (level: LogLevel, message: string) => void
  }) {
    const { run, store, executor, journal } = options
    this.run = run
    this.store = store
    this.executor = executor
    this.say = options.say
    this.window = executor.window
    this.journal = new Map(journal.map((entry) => [entry.key, entry]))
    this.next = journal.reduce((most, { seq }) => Math.max(most, seq + 1), 0)
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

  batch(definition: TaskDefinition, shared: readonly unknown[], total: number | undefined, source: BatchSource): Batch {
    const tally = this.tally(definition.name)
    if (total !== undefined) tally.total = (tally.total ?? tally.submitted) + total
    const bytes = shared.length > 0 ? encode(shared, `task ${definition.name}: a shared argument`) : undefined
    const batch: Batch = {
      shared,
      observed: false,
      encoded: bytes && { hash: digest(bytes), bytes },
      close: (failure) => {
        this.maps.delete(source)
        if (failure && !(failure instanceof CancelledError)) this.failures.push({ watched: batch, error: failure })
        this.checkIdle()
      },
    }
    this.maps.add(source)
    if (this.finishing) source.finish()
    if (this.stopped) source.stop()
    return batch
  }

  submit(definition: TaskDefinition, args: readonly unknown[], batch?: TaskBatch): SubmittedTask {
    const { promise, resolve } = Promise.withResolvers<Settled<unknown>>()
    const tally = this.tally(definition.name)
    tally.submitted++
    if (tally.total !== undefined && tally.submitted > tally.total) tally.total = tally.submitted
    let call: TaskCall
    try {
      call = this.makeCall(definition, args, (batch as Batch | undefined)?.encoded, tally, resolve)
    } catch (error) {
      tally.failed++
      const reason = error as Error
      this.say('error', reason.message)
      const submitted: SubmittedTask = {
        settled: Promise.resolve({ status: 'rejected', reason }),
        cancel: () => {},
        observed: false,
      }
      this.rememberFailure(submitted, reason)
      return submitted
    }
    this.active.set(call.seq, call)
    if (this.stopped) this.end(call, 'Cancelled', { failure: this.stopped })
    else this.begin(call)
    const submitted: SubmittedTask = {
      settled: promise,
      cancel: (reason) => this.cancelCall(call, reason ?? 'cancelled by the flow'),
      observed: false,
    }
    call.submitted = submitted
    return submitted
  }

  /** The failure of a call whose future nobody awaited: it must not pass unseen. */
  unobservedFailure(): Error | undefined {
    return this.failures.find(({ watched }) => !watched.observed)?.error
  }

  private rememberFailure(submitted: SubmittedTask, error: Error): void {
    if (!submitted.observed) this.failures.push({ watched: submitted, error })
  }

  /** The flow function has ended: maps whose results nobody took go on to their end. */
  finishMaps(): void {
    this.finishing = true
    for (const source of this.maps) source.finish()
  }

  /** Resolves when no call is open and no map under way. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.whenIdle = resolve
      // A map that was just begun announces itself in a microtask.
      setImmediate(() => this.checkIdle())
    })
  }

  private checkIdle(): void {
    if (this.active.size === 0 && this.maps.size === 0) this.whenIdle()
  }

  /** Cancels all calls, and every one that is made from now on. */
  cancelAll(reason: string): void {
    this.stopped = toFailure(new CancelledError(reason))
    this.holding = false
    for (const source of this.maps) source.stop()
    for (const call of [...this.active.values()])
      if (!call.given) this.end(call, 'Cancelled', { failure: this.stopped })
    this.executor.cancel(reason)
  }

  /** Ends all calls as failed, without asking the executor, which is out of order. */
  abandon(error: Error): void {
    this.stopped = toFailure(error)
    for (const source of this.maps) source.stop()
    for (const call of [...this.active.values()]) {
      this.close(call)
      call.settle({ status: 'rejected', reason: error })
    }
  }

  /** While paused, calls wait; those that run go on. */
  pause(): void {
    this.holding = true
  }

  unpause(): void {
    this.holding = false
    for (const call of this.held.splice(0)) if (!call.over) this.start(call)
  }

  progress(seq: number, task: string, progress: Progress): void {
    if (this.active.has(seq)) this.tallies.get(task)?.progress.set(seq, progress)
  }

  private tally(task: string): TaskTally {
    const known = this.tallies.get(task)
    if (known) return known
    const made: TaskTally = {
      total: undefined,
      submitted: 0,
      running: 0,
      done: 0,
      failed: 0,
      skipped: 0,
      reused: 0,
      progress: new Map(),
    }
    this.tallies.set(task, made)
    return made
  }

  private makeCall(
    definition: TaskDefinition,
    args: readonly unknown[],
    shared: SharedArgs | undefined,
    tally: TaskTally,
    settle: (result: Settled<unknown>) => void,
  ): TaskCall {
    const bytes = encode(args, `task ${definition.name}: an argument`)
    const key = this.store.durable ? this.journalKey(definition.name, bytes, shared) : NO_KEY
    const before = this.journal.size > 0 ? this.journal.get(Buffer.from(key).toString('hex')) : undefined
    const { cache } = definition.options
    const cacheKey = cache && `${definition.name}:${cache.key ?? fingerprint([args, shared?.hash])}`
    return {
      seq: before?.seq ?? this.next++,
      key,
      definition,
      args: bytes,
      shared,
      created: Date.now(),
      cacheKey,
      tally,
      settle,
      attempt: (before?.attempt ?? 0) + 1,
      submitted: undefined,
      over: false,
      given: false,
      holdsPlace: false,
      retry: undefined,
    }
  }

  /** A call's name in the journal: task, arguments, and how often the same call was made before. */
  private journalKey(task: string, args: Uint8Array, shared: SharedArgs | undefined): Uint8Array {
    const prefix = Buffer.from(`${task}\0${shared?.hash ?? ''}\0`)
    const full = hash('sha256', Buffer.concat([prefix, args]), 'buffer')
    const short = full.readUIntBE(0, 6)
    if (!this.once.has(short)) {
      this.once.add(short)
      return full.subarray(0, 16)
    }
    const occurrence = (this.occurrences.get(short) ?? 0) + 1
    this.occurrences.set(short, occurrence)
    return hash('sha256', Buffer.concat([full, Buffer.from(String(occurrence))]), 'buffer').subarray(0, 16)
  }

  private begin(call: TaskCall): void {
    const before = this.journal.get(Buffer.from(call.key).toString('hex'))
    if (before && (JOURNALLED as readonly TaskState[]).includes(before.state)) {
      this.replay(call, before).catch((error: Error) => this.fail(call, error))
    } else if (call.cacheKey !== undefined) {
      this.lookInCache(call, call.cacheKey).catch((error: Error) => this.fail(call, error))
    } else this.admit(call)
  }

  /** The call was finished by an earlier attempt at the run: its result is taken from there. */
  private async replay(call: TaskCall, before: JournalEntry): Promise<void> {
    const result = await this.readResult(call.seq)
    if (call.over) return
    call.tally.reused++
    this.close(call)
    if (before.state === 'Skipped') {
      call.tally.skipped++
      call.settle({ status: 'skipped', reason: 'skipped in an earlier attempt' })
    } else {
      call.tally.done++
      call.settle({ status: 'fulfilled', value: result ? decode(result) : undefined })
    }
  }

  private async lookInCache(call: TaskCall, key: string): Promise<void> {
    const result = await this.readCache(key)
    if (call.over) return
    if (!result) return this.admit(call)
    call.tally.reused++
    call.attempt--
    await this.write(call, 'Cached', { result: asBytes(result), started: call.created, ended: Date.now() })
    this.succeed(call, result)
  }

  /** Waits for the task's limit, then starts. */
  private admit(call: TaskCall): void {
    const { name, options } = call.definition
    if (options.limit === Number.POSITIVE_INFINITY) {
      this.start(call)
      return
    }
    const limit = this.limits.get(name) ?? { going: 0, waiting: [] }
    this.limits.set(name, limit)
    if (limit.going >= options.limit) limit.waiting.push(call)
    else {
      limit.going++
      call.holdsPlace = true
      this.start(call)
    }
  }

  private start(call: TaskCall): void {
    if (this.holding) {
      this.held.push(call)
      return
    }
    call.given = true
    call.tally.running++
    const { definition, seq, key, args, shared, attempt } = call
    const { timeout, memory, io, priority } = definition.options
    this.executor.run(
      { definition, seq, key, args, shared, attempt, timeout, memory, io, priority, task: definition.name },
      (outcome) => {
        call.given = false
        call.tally.running--
        if (call.over) return
        this.finish(call, outcome).catch((error: Error) => this.fail(call, error))
      },
    )
  }

  private async finish(call: TaskCall, outcome: Outcome): Promise<void> {
    const { definition } = call
    if (outcome.state === 'Failed' && call.attempt <= definition.options.retries && !this.stopped) {
      return this.retry(call, outcome)
    }
    if (outcome.state === 'Failed' || outcome.state === 'Crashed') {
      const after = definition.options.retries > 0 ? ` after ${call.attempt} attempts` : ''
      this.say('error', `task ${definition.name}-${call.seq} failed${after}: ${outcome.failure?.message ?? ''}`)
    }
    if (!this.executor.records) {
      const recorded = this.write(call, outcome.state, outcome)
      // Where results survive the process, nobody may build on one that is not written down yet.
      if (this.store.durable) await recorded
    }
    if (outcome.state === 'Completed') {
      if (call.cacheKey !== undefined && definition.options.cache && outcome.result) {
        await this.store.cache(call.cacheKey, outcome.result, definition.options.cache.for)
      }
      this.succeed(call, outcome.result)
    } else this.end(call, outcome.state, outcome)
  }

  private async retry(call: TaskCall, outcome: Outcome): Promise<void> {
    const { name, options } = call.definition
    const factor = options.backoff === 'exponential' ? 2 ** (call.attempt - 1) : 1
    const delay = Math.min(LONGEST_DELAY, options.retryDelay * factor)
    this.say(
      'warn',
      `task ${name}-${call.seq} failed: ${outcome.failure?.message ?? ''}; retry ${call.attempt} of ${options.retries} in ${formatDuration(delay)}`,
    )
    call.attempt++
    call.retry = setTimeout(() => {
      call.retry = undefined
      if (!call.over) this.start(call)
    }, delay)
  }

  private write(
    call: TaskCall,
    state: TaskState,
    { result, failure, started, ended }: Partial<Outcome> & { started: number; ended: number },
  ): Promise<void> {
    const { seq, key, attempt, created, definition } = call
    const record: TaskRecord = {
      seq,
      key,
      task: definition.name,
      state,
      attempt,
      created,
      started,
      ended,
      result,
      failure,
    }
    if (!this.store.durable) return this.store.recordTasks(this.run, [record])
    return this.record(record)
  }

  private succeed(call: TaskCall, result: Uint8Array | undefined): void {
    this.close(call)
    call.tally.done++
    let value: unknown
    try {
      value = result ? decode(result) : undefined
    } catch (error) {
      call.settle({ status: 'rejected', reason: error as Error })
      return
    }
    call.settle({ status: 'fulfilled', value })
  }

  private fail(call: TaskCall, error: Error): void {
    if (call.over) return
    this.end(call, 'Failed', { failure: toFailure(error) })
  }

  private end(call: TaskCall, state: TaskState, { failure }: { failure?: Failure | undefined }): void {
    this.close(call)
    if (state === 'Skipped') {
      call.tally.skipped++
      call.settle({ status: 'skipped', reason: failure?.message ?? '' })
      return
    }
    call.tally.failed++
    const error = toError(failure ?? { name: 'Error', message: `task ${call.definition.name} ended as ${state}` })
    if (call.submitted && !(error instanceof CancelledError)) this.rememberFailure(call.submitted, error)
    call.settle({ status: 'rejected', reason: error })
  }

  private close(call: TaskCall): void {
    if (call.over) return
    call.over = true
    clearTimeout(call.retry)
    this.active.delete(call.seq)
    call.tally.progress.delete(call.seq)
    const limit = this.limits.get(call.definition.name)
    if (limit && call.holdsPlace) {
      let following = limit.waiting.shift()
      while (following?.over) following = limit.waiting.shift()
      if (following) {
        following.holdsPlace = true
        this.start(following)
      } else limit.going--
    }
    this.checkIdle()
  }

  private cancelCall(call: TaskCall, reason: string): void {
    if (call.over) return
    if (call.given) this.executor.cancel(reason, call.seq)
    else this.end(call, 'Cancelled', { failure: toFailure(new CancelledError(reason)) })
  }
}
