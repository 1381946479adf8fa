import { AsyncLocalStorage } from 'node:async_hooks'
import type { TaskDefinition } from './task.ts'

/** Severity of a log line, lowest first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** One log line, already free of secret values. */
export interface LogEntry {
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly level: LogLevel
  readonly message: string
  readonly fields?: Readonly<Record<string, unknown>>
}

/** How far a task has come: `done` of `total` units. */
export interface Progress {
  readonly done: number
  readonly total?: number
  readonly unit?: string
}

/** What a flow function and its tasks can know about the flow run they belong to. */
export interface RunInfo {
  readonly id: string
  readonly flow: string
  /** The run's own name, from the flow's `runName` or made up. */
  readonly name: string
  readonly params: unknown
  /** The stack: `dev`, `prod`, or any other name the flow has a config for. */
  readonly env: string
  /** 1 for the first start of the driver, one more for every restart or resume. */
  readonly attempt: number
  /** The flow's config for `env`, with `secret://` references resolved. */
  readonly config: unknown
  /** A URL below which the run may keep scratch data until it ends; the same for the driver and all workers. */
  readonly scratch: string
}

/** What a submitted task came to. Rejections carry the error; a skipped task carries its reason. */
export type Settled<R> =
  | { readonly status: 'fulfilled'; readonly value: R }
  | { readonly status: 'rejected'; readonly reason: Error }
  | { readonly status: 'skipped'; readonly reason: string }

/** One task run under way. */
export interface SubmittedTask {
  /** Never rejects. */
  readonly settled: Promise<Settled<unknown>>
  /** Somebody looks at what becomes of it; a failure that nobody looks at fails the run. */
  observed: boolean
  cancel(reason?: string): void
}

/** The part of the engine that runs the tasks of one flow run; there is none inside a task. */
export interface TaskRunner {
  /** How many tasks one map may have waiting or running at once: keeps the driver's memory bounded. */
  readonly window: number
  /** The arguments it holds take much memory: a map that has tasks going should wait for one of them. */
  readonly full?: boolean
  submit(task: TaskDefinition, args: readonly unknown[], batch?: TaskBatch): SubmittedTask
  /** Announces a map: its shared values are stored once, and progress knows its total where there is one. */
  batch(task: TaskDefinition, shared: readonly unknown[], total: number | undefined, source: BatchSource): TaskBatch
}

/** The items of one map; made by {@link TaskRunner.batch}. */
export interface TaskBatch {
  readonly shared: readonly unknown[]
  /** Somebody waits for the map; a failure of one that nobody waits for fails the run. */
  observed: boolean
  /** Called when no more items follow, and all are done; with the failure of the map, if it failed. */
  close(failure?: Error): void
}

/** The side of a map that makes its items. */
export interface BatchSource {
  /** The flow function has ended: go on to the end, whether somebody takes the results or not. */
  finish(): void
  /** The run ends: make no more items. */
  stop(): void
}

/** Where code of a flow or a task runs: what `log`, `secret`, `progress` and task calls find around them. */
export interface Scope {
  readonly run: RunInfo
  /** Aborted when the run is cancelled, times out, or the worker must stop. */
  readonly signal: AbortSignal
  /** Present in the flow function; inside a task, calls of other tasks simply run as part of it. */
  readonly tasks?: TaskRunner
  /** Name of the task, inside a task. */
  readonly task?: string
  log(entry: LogEntry): void
  progress(progress: Progress): void
}

/**
 * State that must be one per thread even where two copies of this package are loaded
 * (a bundle carries its own).
 */
interface SharedState {
  readonly scopes: AsyncLocalStorage<Scope>
  readonly tasks: Map<string, TaskDefinition[]>
  readonly secrets: Map<string, string>
}

const KEY = Symbol.for('millrace.sdk')
const holder = globalThis as { [KEY]?: SharedState }
holder[KEY] ??= { scopes: new AsyncLocalStorage<Scope>(), tasks: new Map(), secrets: new Map() }
export const shared: SharedState = holder[KEY]

/** The scope this code runs in, or undefined outside any run. */
export function currentScope(): Scope | undefined {
  return shared.scopes.getStore()
}

/** Runs `body` inside `scope`. For the engine, and for tests of code that needs a scope. */
export function withScope<T>(scope: Scope, body: () => T): T {
  return shared.scopes.run(scope, body)
}

/**
 * The flow run this code belongs to.
 * @throws Error outside any run
 */
export function currentRun(): RunInfo {
  const scope = currentScope()
  if (!scope) throw new Error('there is no current run: this code was called outside a flow')
  return scope.run
}

/** A signal that is aborted when the work at hand should stop; never aborted outside a run. */
export function abortSignal(): AbortSignal {
  return currentScope()?.signal ?? new AbortController().signal
}
