import {
  createRun,
  type DrivenRun,
  type DriveOptions,
  driveRun,
  type ExecutorKind,
  type FlowRun,
  flowSource,
  importFlow,
  type LoadedFlow,
  loadFlow,
  memoryStore,
  type RunStore,
} from '@millrace/engine'
import { bytes, formatDuration, type LogEntry, UserError } from '@millrace/sdk'
import { EXIT } from '../exit.ts'
import { formatLog, paint } from '../output/log-line.ts'
import { noProgress, type ProgressView, showProgress } from '../output/progress.ts'
import { bigInts, resultText } from '../output/result.ts'
import { gatherParams, type ParamSources } from '../params.ts'
import { count, findRun, openStore, root } from '../project.ts'

interface ShowOptions {
  readonly quiet?: boolean
  readonly json?: boolean
}

interface ThreadOptions {
  readonly slots?: string
  readonly memory?: string
}

export interface RunOptions extends ShowOptions, ThreadOptions, ParamSources {
  readonly env: string
  readonly cluster?: string | true
  readonly inline?: boolean
  readonly record?: boolean
  readonly database?: string
}

/** `millrace run FLOW` */
export async function run(name: string, options: RunOptions): Promise<void> {
  readThreadOptions(options)
  const loaded = await loadFlow(root, name)
  const params = await gatherParams(root, loaded.flow, options)
  const { store, executor, close } = await openRunStore(options)
  try {
    const created = await createRun({ ...loaded, params, env: options.env, executor, store })
    process.exitCode = await driveAndShow(created, loaded, store, options)
  } finally {
    await close()
  }
  await exitSoon()
}

/** `millrace resume RUN` */
export async function resume(id: string, options: ShowOptions & ThreadOptions & { database?: string }): Promise<void> {
  const { store, close } = await openStore(options.database, { onAway: sayAway })
  try {
    const found = await findRun(store, id)
    if (found.state === 'Completed') throw new UserError(`run ${found.id} is completed: there is nothing to resume`)
    if (!found.source) throw new UserError(`run ${found.id} does not say where its flow is`)
    const source = flowSource(root, found.flow, found.source.path)
    const loaded = { flow: await importFlow(root, source), source }
    if (!(await store.reopen(found.id, source)) && found.state !== 'Pending' && found.state !== 'Scheduled') {
      throw new UserError(
        `run ${found.id} is ${found.state}: only a run that failed, crashed or was cancelled can be resumed`,
        found.state === 'Paused' ? `Let it go on with: millrace runs continue ${found.id}` : undefined,
      )
    }
    process.exitCode = await driveAndShow(found, loaded, store, options)
  } finally {
    await close()
  }
  await exitSoon()
}

interface OpenRunStore {
  readonly store: RunStore
  readonly executor: ExecutorKind
  close(): Promise<void>
}

/** Memory and threads where nothing is set; a database where a cluster, or a record, is asked for. */
async function openRunStore(options: RunOptions): Promise<OpenRunStore> {
  if (options.cluster && !options.inline) {
    const url = options.cluster === true ? (options.database ?? 'local') : options.cluster
    return { ...(await openStore(url, { onAway: sayAway })), executor: 'cluster' }
  }
  const executor = options.inline ? 'inline' : 'threads'
  if (options.record || options.database) {
    return { ...(await openStore(options.database, { create: true, onAway: sayAway })), executor }
  }
  const store = memoryStore()
  return { store, executor, close: () => store.close() }
}

function readThreadOptions({ slots, memory }: ThreadOptions): Pick<DriveOptions, 'slots' | 'memory'> {
  return {
    ...(slots !== undefined && { slots: count(slots, '--slots') }),
    ...(memory !== undefined && { memory: bytes(memory, '--memory') }),
  }
}

/** Drives a run with logs and progress on standard error and the outcome on standard output. @returns the exit code */
export async function driveAndShow(
  created: FlowRun,
  { flow }: LoadedFlow,
  store: RunStore,
  options: ShowOptions & ThreadOptions,
): Promise<number> {
  const interrupt = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    // A second Ctrl-C does not wait.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted)
    if (!options.quiet) process.stderr.write(`\n${signal}: cancelling; press Ctrl-C again to leave at once\n`)
    interrupt.abort(signal === 'SIGINT' ? 'cancelled by Ctrl-C' : `cancelled by ${signal}`)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  let view: ProgressView = noProgress()
  const { quiet = false, json = false } = options
  try {
    const driven = await driveRun(created.id, {
      flow,
      store,
      root,
      ...readThreadOptions(options),
      signal: interrupt.signal,
      onLog: (source, entry) => quiet || showLog(view, source, entry),
      onStart: (started, tallies) => {
        if (quiet) return
        if (store.durable) view.log(paint('gray', `run ${started.id} (${started.name})`))
        if (!json) view = showProgress(tallies)
      },
    })
    view.stop()
    if (json) process.stdout.write(`${JSON.stringify(toJson(driven), null, 2)}\n`)
    else if (!quiet) showEnd(driven, store)
    if (driven.error && (quiet || json)) process.stderr.write(`millrace: ${driven.error.message}\n`)
    if (driven.run.state === 'Cancelled') return EXIT.interrupted
    if (driven.run.state === 'Completed') return EXIT.completed
    return driven.error instanceof UserError ? EXIT.mistake : EXIT.failed
  } finally {
    view.stop()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
}

function showLog(view: ProgressView, source: string, entry: LogEntry): void {
  if (entry.level !== 'debug') view.log(formatLog(source, entry))
}

function showEnd({ run: ended, result, error, tallies }: DrivenRun, store: RunStore): void {
  const took = formatDuration((ended.ended ?? Date.now()) - (ended.started ?? ended.created))
  const sum = (field: 'done' | 'failed' | 'skipped' | 'reused'): number =>
    [...tallies.values()].reduce((total, tally) => total + tally[field], 0)
  const parts = [
    `${sum('done').toLocaleString('en')} ${sum('done') === 1 ? 'task' : 'tasks'}`,
    ...(sum('reused') > 0 ? [`${sum('reused').toLocaleString('en')} of them from before`] : []),
    ...(sum('skipped') > 0 ? [`${sum('skipped')} skipped`] : []),
    ...(sum('failed') > 0 ? [`${sum('failed')} failed`] : []),
  ]
  if (error) {
    process.stderr.write(
      `millrace: ${error instanceof UserError || ended.state === 'Cancelled' ? error.message : (error.stack ?? error.message)}\n`,
    )
    if (error instanceof UserError && error.hint) process.stderr.write(`  ${error.hint}\n`)
    if (store.durable) process.stderr.write(`  go on with: millrace resume ${ended.id}\n`)
  }
  process.stdout.write(`${ended.name} ${ended.state} in ${took} (${parts.join(', ')})\n`)
  if (result === undefined) return
  process.stdout.write(`${resultText(result)}\n`)
}

function toJson({ run: ended, result, error, tallies }: DrivenRun): unknown {
  const tasks = Object.fromEntries(
    [...tallies].map(([task, { progress: _progress, running: _running, ...counts }]) => [task, counts]),
  )
  const { source: _source, ...facts } = ended
  const safe: unknown = JSON.parse(JSON.stringify(result ?? null, bigInts))
  return { ...facts, tasks, result: safe, error: error?.message ?? null }
}

function sayAway(message: string): void {
  process.stderr.write(`millrace: ${message}\n`)
}

/** What a flow left behind (an open socket, a timer) must not keep the command alive. */
async function exitSoon(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  setTimeout(() => process.exit(), 200).unref()
}
