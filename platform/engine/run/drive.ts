import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  CancelledError,
  configFor,
  type Flow,
  hideSecrets,
  type LogEntry,
  type LogLevel,
  store as openStore,
  type RunInfo,
  redact,
  resolveSecrets,
  SkipSignal,
  TimeoutError,
  UserError,
  withScope,
} from '@millrace/sdk'
import { clusterExecutor } from '../executors/cluster.ts'
import type { Executor, ExecutorKind, TaskNews } from '../executors/executor.ts'
import { inlineExecutor } from '../executors/inline.ts'
import { threadsExecutor } from '../executors/threads.ts'
import type { FlowSource } from '../flow-source.ts'
import type { ReaperOptions } from '../postgres/reaper.ts'
import { PostgresStore } from '../postgres/run-store.ts'
import type { FlowRun, RunStore } from '../store/run-store.ts'
import { encode } from '../values/codec.ts'
import { toFailure } from '../values/failure.ts'
import { RunLogs } from './run-logs.ts'
import { scratchUrl } from './scratch.ts'
import { TaskRuns, type TaskTally } from './task-runs.ts'

/** How long a cancelled flow function may take to end (ms). */
const CANCEL_GRACE = 5000

export interface NewFlowRun {
  readonly flow: Flow
  /** Needed by every executor but inline. */
  readonly source?: FlowSource | undefined
  readonly params: unknown
  /** @default "dev" */
  readonly env?: string
  readonly executor: ExecutorKind
  readonly store: RunStore
}

export interface DriveOptions {
  readonly flow: Flow
  readonly store: RunStore
  /** The project's folder. */
  readonly root: string
  /** Threads executor: tasks at once. @default the machine's processors */
  readonly slots?: number
  /** Threads executor: most memory (bytes) of one task. */
  readonly memory?: number | undefined
  /** Cluster executor: bounds of what counts as dead. */
  readonly reaper?: ReaperOptions
  /** Cancels the run when it is aborted; its reason is a sentence. */
  readonly signal?: AbortSignal
  readonly onLog?: (source: string, entry: LogEntry) => void
  /** Called when the run has begun. `tallies` is kept up to date while it goes. */
  readonly onStart?: (run: FlowRun, tallies: ReadonlyMap<string, TaskTally>) => void
}

/** How a run ended. */
export interface DrivenRun {
  readonly run: FlowRun
  /** What the flow function returned. */
  readonly result: unknown
  /** Why it did not complete. */
  readonly error: Error | undefined
  readonly tallies: ReadonlyMap<string, TaskTally>
}

/**
 * Writes down a new run of a flow.
 * @throws UserError when a parameter is wrong, or the flow has no config for the environment; then there is no run
 */
export async function createRun(options: NewFlowRun): Promise<FlowRun> {
  const { definition } = options.flow
  const env = options.env ?? 'dev'
  const given = resolveSecrets(options.params ?? {})
  const params = definition.parse(given)
  configFor(definition, env)
  return options.store.createRun({
    flow: definition.name,
    name: redact(definition.runName(params)),
    params: hideSecrets(given) as Record<string, unknown>,
    env,
    config: definition.options.config?.[env],
    executor: options.executor,
    labels: definition.options.labels ?? [],
    source: options.source,
  })
}

/**
 * Drives a run to its end: runs the flow function, and its tasks by the run's executor. A run that was driven
 * before goes on: what its journal has is not run again.
 * @throws UserError when another process drives it
 */
export async function driveRun(id: string, options: DriveOptions): Promise<DrivenRun> {
  const { flow, store, root } = options
  const { definition } = flow
  const params = definition.parse(resolveSecrets((await store.findRun(id))?.params ?? {}))
  const values = encode(params, `flow ${definition.name}: its parameters`)
  const lease = await store.takeRun(id, values)
  const { run } = lease
  const logs = new RunLogs(id, store, options.onLog ?? (() => {}))
  const say = (level: LogLevel, message: string): void =>
    logs.write('engine', { time: Date.now(), level, message: redact(message) })
  const stop = new AbortController()
  const stopOn = (signal: AbortSignal | undefined, reason: () => Error): void => {
    if (signal?.aborted) stop.abort(reason())
    else signal?.addEventListener('abort', () => stop.abort(reason()), { once: true })
  }
  stopOn(options.signal, () => new CancelledError(String(options.signal?.reason ?? 'cancelled')))
  stopOn(lease.lost, () => lease.lost.reason as Error)

  const scratch = scratchUrl(root, id)
  const info: RunInfo = {
    id,
    flow: definition.name,
    name: run.name,
    params,
    env: run.env,
    attempt: run.attempt,
    config: configFor(definition, run.env),
    scratch,
  }
  let taskRuns: TaskRuns | undefined
  const news: TaskNews = {
    log: (source, entry) => (run.executor === 'cluster' ? logs.show(source, entry) : logs.write(source, entry)),
    progress: (seq, task, progress) => taskRuns?.progress(seq, task, progress),
    warn: (message) => say('warn', message),
    broken: (error) => {
      taskRuns?.abandon(error)
      stop.abort(error)
    },
  }
  let executor: Executor | undefined
  let forget: (() => void) | undefined
  try {
    executor = await openExecutor(run, info, values, options, news)
    const journal = run.attempt > 1 ? await store.journal(id) : []
    taskRuns = new TaskRuns({ run: id, store, executor, journal, say })
    forget = await followState(id, store, stop, taskRuns)
    options.onStart?.(run, taskRuns.tallies)
    const ended = await runBody(flow, info, taskRuns, logs, stop, definition.timeout)
    const final = await writeEnd(id, store, ended, logs)
    if (final.state === 'Completed' || !store.durable) await removeScratch(scratch)
    return { run: final, result: ended.result, error: ended.error, tallies: taskRuns.tallies }
  } catch (error) {
    // Not the flow's fault: the engine or its database broke.
    await store.setState(id, 'Crashed', { message: redact(String(error)), failure: toFailure(error) }).catch(() => {})
    throw error
  } finally {
    forget?.()
    await logs.flush()
    await executor?.close()
    await lease.release()
  }
}

interface Ended {
  readonly state: 'Completed' | 'Failed' | 'Cancelled'
  readonly result: unknown
  readonly error: Error | undefined
}

async function runBody(
  flow: Flow,
  info: RunInfo,
  taskRuns: TaskRuns,
  logs: RunLogs,
  stop: AbortController,
  timeout: number | undefined,
): Promise<Ended> {
  const { definition } = flow
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(
          () =>
            stop.abort(new TimeoutError(`flow ${definition.name} took longer than its timeout of ${timeout / 1000} s`)),
          timeout,
        )
  const stopped = new Promise<'stopped'>((resolve) => {
    const onStop = (): void => {
      taskRuns.cancelAll(messageOf(stop.signal.reason))
      setTimeout(resolve, CANCEL_GRACE, 'stopped').unref()
    }
    if (stop.signal.aborted) onStop()
    else stop.signal.addEventListener('abort', onStop, { once: true })
  })
  const scope = {
    run: info,
    signal: stop.signal,
    tasks: taskRuns,
    log: (entry: LogEntry) => logs.write('flow', entry),
    progress: () => {},
  }
  try {
    const body = (async () => {
      const result = await withScope(scope, () => definition.body(info.params, info))
      taskRuns.finishMaps()
      await taskRuns.idle()
      const unseen = taskRuns.unobservedFailure()
      if (unseen) throw unseen
      return result
    })()
    body.catch(() => {})
    const result = await Promise.race([body, stopped])
    if (stop.signal.aborted) throw stop.signal.reason
    return { state: 'Completed', result, error: undefined }
  } catch (error) {
    if (error instanceof SkipSignal) {
      return {
        state: 'Failed',
        result: undefined,
        error: new UserError(`flow ${definition.name}: skip() works inside a task only`),
      }
    }
    const cause = stop.signal.aborted ? stop.signal.reason : error
    if (!stop.signal.aborted) taskRuns.cancelAll('the flow failed')
    await Promise.race([taskRuns.idle(), stopped])
    const state = stop.signal.aborted && cause instanceof CancelledError ? 'Cancelled' : 'Failed'
    return { state, result: undefined, error: cause instanceof Error ? cause : new Error(String(cause)) }
  } finally {
    clearTimeout(timer)
  }
}

async function writeEnd(id: string, store: RunStore, ended: Ended, logs: RunLogs): Promise<FlowRun> {
  await logs.flush()
  const failure = ended.error && toFailure(ended.error)
  const more = failure ? { message: failure.message, failure } : {}
  if (ended.state === 'Cancelled') await store.setState(id, 'Cancelling', more)
  const run = (await store.setState(id, ended.state, more)) ?? (await store.findRun(id))
  if (!run) throw new Error(`run ${id} was deleted while it ran`)
  return run
}

/** Obeys what others do to the run while it goes: cancel, pause, go on. */
async function followState(
  id: string,
  store: RunStore,
  stop: AbortController,
  taskRuns: TaskRuns,
): Promise<() => void> {
  const look = async (): Promise<void> => {
    const run = await store.findRun(id)
    if (run?.state === 'Cancelling') stop.abort(new CancelledError(run.message ?? 'cancelled'))
    else if (run?.state === 'Paused') taskRuns.pause()
    else if (run?.state === 'Running') taskRuns.unpause()
  }
  return store.listen(id, (event) => {
    if (event === 'state') look().catch(() => {})
  })
}

async function openExecutor(
  run: FlowRun,
  info: RunInfo,
  values: Uint8Array,
  options: DriveOptions,
  news: TaskNews,
): Promise<Executor> {
  if (run.executor === 'inline') return inlineExecutor(info, news)
  if (!run.source)
    throw new UserError(`run ${run.id} does not say where its flow is: only the inline executor can run it`)
  if (run.executor === 'threads') {
    const { params: _params, ...rest } = info
    const facts = { ...rest, values, config: run.config }
    const { slots = availableParallelism(), memory, root } = options
    return threadsExecutor(facts, { root, source: run.source, slots, memory }, news)
  }
  if (!(options.store instanceof PostgresStore)) {
    throw new UserError('the cluster executor needs a Postgres run store', 'Set MILLRACE_WORKERS to its URL.')
  }
  return clusterExecutor(run.id, options.store, news, options.reaper)
}

async function removeScratch(url: string): Promise<void> {
  if (url.startsWith('file:')) await rm(fileOf(url), { recursive: true, force: true })
  else await openStore(url).removeAll('')
}

function fileOf(url: string): string {
  return url.startsWith('file:///') ? fileURLToPath(url) : url.slice('file:'.length)
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}
