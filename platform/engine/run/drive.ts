import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  CancelledError,
  configFor,
  type Flow,
  type LogEntry,
  type LogLevel,
  store as openStore,
  type RunInfo,
  redact,
  resolveSecrets,
  UserError,
} from '@millrace/sdk'
import type { TaskNews } from '../executors/executor.ts'
import type { ReaperOptions } from '../postgres/reaper.ts'
import { encodeGiven, type Given } from '../slots/run-info.ts'
import type { Slots } from '../slots/slots.ts'
import { placeholderName } from '../store/run-id.ts'
import type { FlowRun, RunLease, RunStore } from '../store/run-store.ts'
import { encode } from '../values/codec.ts'
import { toFailure } from '../values/failure.ts'
import { type Ended, endedBy, runFlowBody } from './flow-body.ts'
import { openExecutor } from './open-executor.ts'
import { RunLogs } from './run-logs.ts'
import { scratchUrl } from './scratch.ts'
import { TaskRuns } from './task-runs.ts'
import type { TaskTally } from './task-tally.ts'

export interface DriveOptions {
  readonly flow: Flow
  readonly store: RunStore
  /** The project's folder. */
  readonly root: string
  /** Threads executor: tasks at once. @default the machine's processors */
  readonly slots?: number
  /** Threads executor: most memory (bytes) of one task. */
  readonly memory?: number | undefined
  /** Threads executor: threads to share with other runs of this process, instead of the run's own. */
  readonly threads?: Slots
  /** Cluster executor: bounds of what counts as dead. */
  readonly reaper?: ReaperOptions
  /** The launch that this driver belongs to, where an agent launched it: an old one, started late, is refused. */
  readonly launch?: number
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
 * Drives a run to its end: runs the flow function, and its tasks by the run's executor. A run that was driven
 * before goes on: what its journal has is not run again.
 * @throws UserError when another process drives it
 * @throws DatabaseGoneError when the run store stayed away; the run can be resumed later
 */
export async function driveRun(id: string, options: DriveOptions): Promise<DrivenRun> {
  const { store } = options
  const found = await store.findRun(id)
  if (!found) throw new UserError(`there is no run ${id}`)
  const given = givenFor(found, options.flow)
  const name = 'bytes' in given ? nameFor(found, options.flow, given) : undefined
  const lease = await store.takeRun(found.id, 'bytes' in given ? given.bytes : undefined, options.launch, name)
  // A flow that waits for something that Node does not count must not end the process.
  const alive = setInterval(() => {}, 2 ** 30)
  const logs = new RunLogs(found.id, store, options.onLog ?? (() => {}))
  try {
    if ('error' in given) return await end(lease, options, logs, endedBy(given.error), new Map())
    return await drive(lease, given, options, logs)
  } catch (error) {
    // Not the flow's fault: the engine or its database broke, or another driver took the run.
    if (!lease.lost.aborted) {
      const more = { message: redact(String(error)), failure: toFailure(error), attempt: lease.run.attempt }
      await store.setState(found.id, 'Crashed', more).catch(() => {})
    }
    throw error
  } finally {
    clearInterval(alive)
    await logs.flush()
    await lease.release().catch(() => {})
  }
}

async function drive(
  lease: RunLease,
  { params, config, bytes }: RunGiven,
  options: DriveOptions,
  logs: RunLogs,
): Promise<DrivenRun> {
  const { flow, store, root } = options
  const { run } = lease
  const scratch = scratchUrl(root, run.id, run.store)
  const facts = { id: run.id, flow: run.flow, name: run.name, env: run.env, attempt: run.attempt, scratch }
  const info: RunInfo = { ...facts, params, config }
  const stop = new AbortController()
  let broken: Error | undefined
  let taskRuns: TaskRuns | undefined
  const breakOff = (error: Error): void => {
    broken ??= error
    taskRuns?.abandon(error)
    stop.abort(error)
  }
  whenAborted(options.signal, (reason) => stop.abort(new CancelledError(sentence(reason))))
  whenAborted(lease.lost, (reason) => breakOff(reason as Error))
  const say = (level: LogLevel, message: string): void =>
    logs.write('engine', { time: Date.now(), level, message: redact(message) })
  const news: TaskNews = {
    log: (source, entry) => (run.executor === 'cluster' ? logs.show(source, entry) : logs.write(source, entry)),
    progress: (seq, task, progress) => taskRuns?.progress(seq, task, progress),
    warn: (message) => say('warn', message),
    broken: breakOff,
  }
  const executor = await openExecutor(run, { ...facts, given: bytes }, options, news)
  let forget: (() => void) | undefined
  try {
    const journal = store.durable && run.attempt > 1 ? await store.journal(run.id) : []
    taskRuns = new TaskRuns({ run: run.id, store, executor, journal, say })
    forget = await followState(run.id, store, stop, taskRuns, breakOff)
    options.onStart?.(run, taskRuns.tallies)
    const ended = await runFlowBody({ flow, info, taskRuns, stop, log: (entry) => logs.write('flow', entry) })
    if (broken) throw broken
    await executor.close()
    const driven = await end(lease, options, logs, ended, taskRuns.tallies)
    if (driven.run.state === 'Completed' || !store.durable) await removeScratch(scratch)
    return driven
  } finally {
    forget?.()
    await executor.close()
  }
}

interface RunGiven extends Given {
  readonly bytes: Uint8Array
}

/** What a run gives to its flow; an error where that does not fit the flow as it is now. */
function givenFor({ params, env }: FlowRun, { definition }: Flow): RunGiven | { readonly error: unknown } {
  try {
    const given = { params: definition.parse(resolveSecrets(params)), config: configFor(definition, env) }
    return { ...given, bytes: encodeGiven(definition.name, given) }
  } catch (error) {
    return { error }
  }
}

/** A result that is kept with its run. Larger ones (bytes) belong into a store, and what is no data nowhere. */
const LARGEST_RESULT = 8 * 2 ** 20

function bytesOf(result: unknown): Uint8Array | undefined {
  if (result === undefined) return undefined
  try {
    const bytes = encode(result)
    return bytes.byteLength > LARGEST_RESULT ? undefined : bytes
  } catch {
    return undefined
  }
}

/** What a run is called whose name was made up because whoever queued it had not the flow's code. */
function nameFor({ id, name, flow: flowName }: FlowRun, { definition }: Flow, { params }: Given): string | undefined {
  if (name !== placeholderName(flowName, id)) return undefined
  try {
    return redact(definition.runName(params))
  } catch {
    // A name is not worth a run.
    return undefined
  }
}

async function end(
  { run: { id, attempt } }: RunLease,
  { store }: DriveOptions,
  logs: RunLogs,
  ended: Ended,
  tallies: ReadonlyMap<string, TaskTally>,
): Promise<DrivenRun> {
  await logs.flush()
  const failure = ended.error && toFailure(ended.error)
  const result = store.durable && ended.state === 'Completed' ? bytesOf(ended.result) : undefined
  const more = { attempt, ...(failure && { message: failure.message, failure }), ...(result && { result }) }
  if (ended.state === 'Cancelled') await store.setState(id, 'Cancelling', more)
  const run = (await store.setState(id, ended.state, more)) ?? (await store.findRun(id))
  if (!run) throw new Error(`run ${id} was deleted while it ran`)
  return { run, result: ended.result, error: ended.error, tallies }
}

/** Obeys what others do to the run while it goes: cancel, pause, go on. */
async function followState(
  id: string,
  store: RunStore,
  stop: AbortController,
  taskRuns: TaskRuns,
  breakOff: (error: Error) => void,
): Promise<() => void> {
  const look = async (): Promise<void> => {
    const run = await store.findRun(id)
    if (run?.state === 'Cancelling') stop.abort(new CancelledError(run.message ?? 'cancelled'))
    else if (run?.state === 'Paused') taskRuns.pause()
    else if (run?.state === 'Running') taskRuns.unpause()
    else if (run?.state === 'Scheduled' || run?.state === 'Pending') {
      breakOff(new Error(`run ${id} was taken from its driver: it is to be launched again`))
    }
  }
  const forget = await store.listen(id, (event) => {
    if (event === 'state') look().catch(() => {})
  })
  // Somebody may have been quicker than the listening.
  await look()
  return forget
}

function whenAborted(signal: AbortSignal | undefined, action: (reason: unknown) => void): void {
  if (signal?.aborted) action(signal.reason)
  else signal?.addEventListener('abort', () => action(signal.reason), { once: true })
}

/** What a person wrote as the reason of an abort; `cancelled` where nobody wrote one. */
function sentence(reason: unknown): string {
  if (reason instanceof DOMException || reason === undefined) return 'cancelled'
  return reason instanceof Error ? reason.message : String(reason)
}

async function removeScratch(url: string): Promise<void> {
  if (url.startsWith('file:')) await rm(fileOf(url), { recursive: true, force: true })
  else await openStore(url).removeAll('')
}

function fileOf(url: string): string {
  return url.startsWith('file:///') ? fileURLToPath(url) : url.slice('file:'.length)
}
