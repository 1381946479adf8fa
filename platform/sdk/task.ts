import { SkipSignal, UserError } from './errors.ts'
import type { BatchSource, Settled, SubmittedTask, TaskBatch, TaskRunner } from './scope.ts'
import { currentScope, shared as state } from './scope.ts'
import { type ByteSize, bytes, type Duration, milliseconds } from './units.ts'

/** How a task behaves; every field has a default and may be left out. */
export interface TaskOptions {
  /** How often a failed task is tried again. @default 0 */
  retries?: number
  /** Wait before the first retry. @default "1 second" */
  retryDelay?: Duration
  /** How the wait grows: every retry the same, or doubled each time up to an hour. @default "fixed" */
  backoff?: 'fixed' | 'exponential'
  /** Longest time one attempt may take; then it is stopped and counts as failed. @default none */
  timeout?: Duration
  /** Reuse the result of an earlier call with equal arguments, also of another run. @default off */
  cache?: { for: Duration; key?: string }
  /** Only workers that carry all of these labels run it (`millrace worker start --labels gpu`). @default [] */
  labels?: string[]
  /** Most memory one call may use; a call that needs more fails and says so. @default the worker's */
  memory?: ByteSize
  /** How many calls of this task one run may have going at once. @default no limit */
  limit?: number
  /** The task mostly waits for the network: many calls may share one thread. @default false */
  io?: boolean
  /** Higher runs earlier among the tasks of the same run. @default 0 */
  priority?: number
}

/** {@link TaskOptions} with defaults filled in and units read (milliseconds, bytes). */
export interface ResolvedTaskOptions {
  readonly retries: number
  readonly retryDelay: number
  readonly backoff: 'fixed' | 'exponential'
  readonly timeout: number | undefined
  readonly cache: { readonly for: number; readonly key: string | undefined } | undefined
  readonly labels: readonly string[]
  readonly memory: number | undefined
  readonly limit: number
  readonly io: boolean
  readonly priority: number
}

/** What the engine knows of a task. */
export interface TaskDefinition {
  readonly name: string
  readonly options: ResolvedTaskOptions
  /** The author's function. */
  readonly body: (...args: readonly unknown[]) => unknown
}

/** What `skip()` is said to return, so that `return skip('…')` gives the task an honest type. */
export type Skipped = undefined

/** A task run that was submitted and not yet awaited. */
export interface TaskFuture<R> extends Promise<R> {
  /** Stops the task run, waiting or running; awaiting it then rejects with a CancelledError. */
  cancel(reason?: string): void
}

/** One finished item of a map, in the order in which they finish. */
export interface MapItem<R> {
  readonly index: number
  readonly value: R
}

/**
 * The items of a map under way. `await` it for all results in input order, or iterate over it
 * (`for await (const { index, value } of measure.map(tiles))`) to take each as it comes and keep none:
 * then the map never has more than a window of items in memory, however long its input.
 */
export interface TaskMap<R, I = R> extends PromiseLike<R[]>, AsyncIterable<MapItem<I>> {}

/** The first argument of each call of a map: a list, or anything that yields one by one. */
export type MapInput<T> = Iterable<T> | AsyncIterable<T>

type Rest<A extends readonly unknown[]> = A extends readonly [unknown?, ...infer T] ? T : never
type First<A extends readonly unknown[]> = A extends readonly [(infer T)?, ...unknown[]] ? T : never

/** A task: call it like the function it was made from, or fan it out. */
export interface Task<A extends readonly unknown[], R> {
  (...args: A): Promise<R>
  readonly definition: TaskDefinition
  /**
   * One call per item; the further arguments are the same for all and are stored once.
   * The first failure stops the rest and rejects.
   */
  map(items: MapInput<First<A>>, ...shared: Rest<A>): TaskMap<R>
  /** Like `map`, but a failed or skipped item does not stop the others: each result says what became of it. */
  mapSettled(items: MapInput<First<A>>, ...shared: Rest<A>): TaskMap<Settled<R>>
  /** Starts a call and returns at once. The run waits for it; if nobody awaits a failed one, the run fails. */
  submit(...args: A): TaskFuture<R>
  /** The same task with other options for these calls: `measure.with({ retries: 5 })(tile)`. */
  with(options: TaskOptions): Task<A, R>
  /** The same task, at most `count` of its calls going at once: `measure.limit(4).map(tiles)`. */
  limit(count: number): Task<A, R>
}

/**
 * Makes a task of a plain async function.
 *
 * Outside a run, and inside another task, calling it just runs the function. In a flow the call goes through
 * the run's journal and executor: arguments and result must then be data (plain objects, arrays, strings,
 * numbers, bigints, dates, maps, sets, typed arrays), for they may travel to another process.
 *
 * @param name unique within a flow; results are journalled under it
 * @example const double = task('double', async (x: number) => 2 * x)
 * @example const load = task('load', { retries: 3, timeout: '10 minutes' }, async (url: string) => …)
 * @throws UserError when an option is wrong
 */
export function task<A extends readonly unknown[], R>(name: string, body: (...args: A) => R): Task<A, Awaited<R>>
export function task<A extends readonly unknown[], R>(
  name: string,
  options: TaskOptions,
  body: (...args: A) => R,
): Task<A, Awaited<R>>
export function task<A extends readonly unknown[], R>(
  name: string,
  ...rest: [(...args: A) => R] | [TaskOptions, (...args: A) => R]
): Task<A, Awaited<R>> {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest
  if (typeof name !== 'string' || !/^[\w.:-]{1,100}$/.test(name)) {
    throw new UserError(`task "${name}": a name is made of letters, digits, "_", "-", "." and ":", 100 at most`)
  }
  if (typeof body !== 'function') throw new UserError(`task ${name}: expected a function as the last argument`)
  const definition: TaskDefinition = {
    name,
    options: resolveTaskOptions(name, options),
    body: (...args) => body(...(args as unknown as A)),
  }
  const known = state.tasks.get(name)
  if (known) known.push(definition)
  else state.tasks.set(name, [definition])
  return makeTask<A, Awaited<R>>(definition, options)
}

/**
 * Ends the current task in the state Skipped: its call gives undefined, and the run goes on.
 * Write `return skip('no input')`, so that the task's type says that it may give nothing.
 */
export function skip(reason: string): Skipped {
  throw new SkipSignal(reason)
}

/**
 * The task of that name among all that were defined in this thread.
 * @throws UserError when there is none, or more than one
 */
export function taskNamed(name: string): TaskDefinition {
  const [first, second] = state.tasks.get(name) ?? []
  if (!first) throw new UserError(`there is no task named "${name}" in this flow`)
  if (second) throw new UserError(`there are two tasks named "${name}": give one of them another name`)
  return first
}

function makeTask<A extends readonly unknown[], R>(definition: TaskDefinition, options: TaskOptions): Task<A, R> {
  const submit = (args: readonly unknown[]): TaskFuture<R> => {
    const scope = currentScope()
    return toFuture<R>((scope?.tasks ?? plainRunner).submit(definition, args))
  }
  const runMap = (items: MapInput<unknown>, shared: readonly unknown[]): MapRun => {
    const scope = currentScope()
    return new MapRun(scope?.tasks ?? plainRunner, definition, items, shared)
  }
  return Object.assign((...args: A): Promise<R> => submit(args), {
    definition,
    map: (items: MapInput<First<A>>, ...shared: Rest<A>): TaskMap<R> =>
      runMap(items, shared as readonly unknown[]).values() as TaskMap<R>,
    mapSettled: (items: MapInput<First<A>>, ...shared: Rest<A>): TaskMap<Settled<R>> =>
      runMap(items, shared as readonly unknown[]).settled() as TaskMap<Settled<R>>,
    submit: (...args: A): TaskFuture<R> => submit(args),
    with: (other: TaskOptions): Task<A, R> => {
      const merged = { ...options, ...other }
      return makeTask<A, R>({ ...definition, options: resolveTaskOptions(definition.name, merged) }, merged)
    },
    limit: (count: number): Task<A, R> => {
      const merged = { ...options, limit: count }
      return makeTask<A, R>({ ...definition, options: resolveTaskOptions(definition.name, merged) }, merged)
    },
  })
}

function resolveTaskOptions(name: string, options: TaskOptions): ResolvedTaskOptions {
  const field = (key: keyof TaskOptions): string => `task ${name}: ${key}`
  const whole = (key: 'retries' | 'limit' | 'priority', least: number, fallback: number): number => {
    const value = options[key] ?? fallback
    if (value !== fallback && (!Number.isInteger(value) || value < least)) {
      throw new UserError(`${field(key)}: expected a whole number, ${least} or more, got ${String(value)}`)
    }
    return value
  }
  const { backoff = 'fixed', labels = [] } = options
  if (backoff !== 'fixed' && backoff !== 'exponential') {
    throw new UserError(`${field('backoff')}: expected "fixed" or "exponential", got ${JSON.stringify(backoff)}`)
  }
  if (!Array.isArray(labels) || labels.some((label) => typeof label !== 'string')) {
    throw new UserError(`${field('labels')}: expected a list of texts, got ${JSON.stringify(labels)}`)
  }
  return {
    retries: whole('retries', 0, 0),
    retryDelay: milliseconds(options.retryDelay ?? '1 second', field('retryDelay')),
    backoff,
    timeout: options.timeout === undefined ? undefined : milliseconds(options.timeout, field('timeout')),
    cache: options.cache && { for: milliseconds(options.cache.for, field('cache')), key: options.cache.key },
    labels,
    memory: options.memory === undefined ? undefined : bytes(options.memory, field('memory')),
    limit: whole('limit', 1, Number.POSITIVE_INFINITY),
    io: options.io ?? false,
    priority: whole('priority', Number.MIN_SAFE_INTEGER, 0),
  }
}

/** Runs tasks as the plain functions they are: outside any run, and inside another task. */
const plainRunner: TaskRunner = {
  window: 16,
  submit: (definition, args, batch): SubmittedTask => ({
    settled: settle(async () => definition.body(...args, ...(batch?.shared ?? []))),
    cancel: () => {},
    observed: false,
  }),
  batch: (_definition, shared) => ({ shared, observed: false, close: () => {} }),
}

/** Runs a task body and says what became of it. */
export async function settle(body: () => unknown): Promise<Settled<unknown>> {
  try {
    return { status: 'fulfilled', value: await body() }
  } catch (error) {
    if (error instanceof SkipSignal) return { status: 'skipped', reason: error.message }
    return { status: 'rejected', reason: error instanceof Error ? error : new Error(String(error)) }
  }
}

function unwrap(settled: Settled<unknown>): unknown {
  if (settled.status === 'rejected') throw settled.reason
  return settled.status === 'fulfilled' ? settled.value : undefined
}

function toFuture<R>(submitted: SubmittedTask): TaskFuture<R> {
  return new Future<R>(submitted)
}

/** A promise that knows whether somebody waits for it: `await` calls `then`. */
class Future<R> extends Promise<R> implements TaskFuture<R> {
  private readonly submitted: SubmittedTask

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  constructor(submitted: SubmittedTask) {
    super((resolve, reject) => {
      submitted.settled.then((result) => {
        if (result.status === 'rejected') reject(result.reason)
        else resolve((result.status === 'fulfilled' ? result.value : undefined) as R)
      })
    })
    this.submitted = submitted
    // A failure that nobody looks at is reported by the run; without this the process would end on it first.
    super.catch(() => {})
    submitted.observed = false
  }

  // biome-ignore lint/suspicious/noThenProperty: it is a promise
  override then<A = R, B = never>(
    onFulfilled?: ((value: R) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.submitted.observed = true
    return super.then(onFulfilled, onRejected)
  }

  cancel(reason?: string): void {
    this.submitted.cancel(reason)
  }
}

function isIterable(items: MapInput<unknown>): items is Iterable<unknown> {
  return typeof (items as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === 'function'
}

function isAsyncIterable(items: MapInput<unknown>): items is AsyncIterable<unknown> {
  return typeof (items as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function'
}

/** Items of a map that are submitted in one turn of the event loop. */
const TURN = 250

/** One map under way: feeds items to the runner, a window of them at a time, and hands out what comes back. */
class MapRun implements BatchSource {
  private readonly ready: { index: number; result: Settled<unknown> }[] = []
  private readonly going = new Set<SubmittedTask>()
  private batch: TaskBatch | undefined
  private taken: 'await' | 'iterate' | undefined
  private stopped = false
  private finished = false
  /** The flow function is over: nobody new will come for the results. */
  private unattended = false
  private failure: Error | undefined
  private wakeFeeder = (): void => {}
  private wakeTaker = (): void => {}
  private readonly runner: TaskRunner
  private readonly window: number
  private stopOnFailure = true

  constructor(runner: TaskRunner, definition: TaskDefinition, items: MapInput<unknown>, shared: readonly unknown[]) {
    this.runner = runner
    this.window = Math.min(runner.window, definition.options.limit)
    // Started in a microtask: `values()` or `settled()` is chosen first, in the same expression.
    queueMicrotask(() => {
      this.feed(definition, items, shared).then(
        () => this.end(undefined),
        (error: Error) => this.end(error),
      )
    })
  }

  finish(): void {
    this.unattended = true
    this.wakeFeeder()
  }

  stop(): void {
    this.stopped = true
    this.wakeFeeder()
  }

  private end(error: Error | undefined): void {
    this.failure ??= error
    if (error) this.cancel('the map failed')
    this.finished = true
    this.batch?.close(this.failure)
    this.wakeTaker()
  }

  private cancel(reason: string): void {
    this.stop()
    for (const task of this.going) task.cancel(reason)
  }

  private async feed(definition: TaskDefinition, items: MapInput<unknown>, shared: readonly unknown[]): Promise<void> {
    const total = Array.isArray(items) ? items.length : undefined
    if (!isIterable(items) && !isAsyncIterable(items)) {
      const got = typeof items === 'object' ? JSON.stringify(items) : String(items)
      throw new UserError(
        `task ${definition.name}: map: expected a list, or something else that gives items, got ${got}`,
      )
    }
    const batch = this.runner.batch(definition, shared, total, this)
    batch.observed = this.taken !== undefined
    this.batch = batch
    const iterator = isIterable(items) ? items[Symbol.iterator]() : items[Symbol.asyncIterator]()
    for (let index = 0; ; index++) {
      while (this.isFull() && !this.stopped) await this.news()
      if (this.stopped) break
      const asked = iterator.next()
      const step = isIterable(items)
        ? (asked as IteratorResult<unknown>)
        : await this.unlessStopped(Promise.resolve(asked))
      if (!step || step.done) break
      this.submit(definition, step.value, index)
      // What was submitted gets on its way while the rest is made.
      if (index % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
    }
    if (this.stopped) void Promise.resolve(iterator.return?.()).catch(() => {})
    while (this.going.size > 0) await this.news()
  }

  private isFull(): boolean {
    const { size } = this.going
    if (size >= this.window || (size > 0 && this.runner.full)) return true
    return !this.unattended && this.taken !== 'await' && this.ready.length >= this.window
  }

  private news(): Promise<void> {
    return new Promise((resolve) => {
      this.wakeFeeder = resolve
    })
  }

  /** What was asked for, or undefined when the map is stopped before it comes. */
  private async unlessStopped<T>(asked: Promise<T>): Promise<T | undefined> {
    const arrived: { value?: T; error?: { readonly thrown: unknown } } = {}
    asked.then(
      (value) => {
        arrived.value = value
        this.wakeFeeder()
      },
      (thrown: unknown) => {
        arrived.error = { thrown }
        this.wakeFeeder()
      },
    )
    while (arrived.value === undefined && !arrived.error && !this.stopped) await this.news()
    if (arrived.error) throw arrived.error.thrown
    return arrived.value
  }

  private submit(definition: TaskDefinition, item: unknown, index: number): void {
    const submitted = this.runner.submit(definition, [item], this.batch)
    submitted.observed = true
    this.going.add(submitted)
    submitted.settled.then((result) => {
      this.going.delete(submitted)
      if (result.status === 'rejected' && this.stopOnFailure && !this.failure) {
        this.failure = result.reason
        this.cancel('another item of the same map failed')
      }
      if (this.taken || !this.unattended) this.ready.push({ index, result })
      this.wakeTaker()
      this.wakeFeeder()
    })
  }

  /** Yields results as they finish; leaving the loop early cancels the rest. */
  private async *results(): AsyncGenerator<{ index: number; result: Settled<unknown> }> {
    try {
      for (;;) {
        const batch = this.ready.splice(0)
        if (batch.length > 0) this.wakeFeeder()
        for (const item of batch) {
          // The items that were cancelled because of it would hide why.
          if (this.failure && this.stopOnFailure && item.result.status === 'rejected') throw this.failure
          yield item
        }
        // What came while the flow was busy with the batch comes first, also before a failure that came after it.
        if (this.ready.length > 0) continue
        if (this.failure) throw this.failure
        if (this.finished) return
        await new Promise<void>((resolve) => (this.wakeTaker = resolve))
      }
    } finally {
      this.cancel('the flow took no more results of the map')
    }
  }

  private take(how: 'await' | 'iterate'): void {
    if (this.taken) throw new Error('the results of a map can be taken only once: await it, or iterate over it')
    this.taken = how
    if (this.batch) this.batch.observed = true
    this.wakeFeeder()
  }

  private asMap<R>(pick: (result: Settled<unknown>) => R): TaskMap<R> {
    let all: Promise<R[]> | undefined
    const collect = async (): Promise<R[]> => {
      const values: R[] = []
      for await (const { index, result } of this.results()) values[index] = pick(result)
      return values
    }
    const iterate = async function* (this: MapRun): AsyncGenerator<MapItem<R>> {
      for await (const { index, result } of this.results()) yield { index, value: pick(result) }
    }
    return {
      // biome-ignore lint/suspicious/noThenProperty: a map is awaited for all results, or iterated over
      then: (onFulfilled, onRejected) => {
        if (!all) {
          this.take('await')
          all = collect()
        }
        return all.then(onFulfilled, onRejected)
      },
      [Symbol.asyncIterator]: () => {
        this.take('iterate')
        return iterate.call(this)
      },
    }
  }

  values(): TaskMap<unknown> {
    return this.asMap(unwrap)
  }

  settled(): TaskMap<Settled<unknown>> {
    this.stopOnFailure = false
    return this.asMap((result) => result)
  }
}
