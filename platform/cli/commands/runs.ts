import { setTimeout as sleep } from 'node:timers/promises'
import {
  type FlowRun,
  isFinalRun,
  type Launch,
  lastLaunch,
  RUN_STATES,
  type RunFilter,
  type RunState,
  type RunStore,
  type StoredLog,
  type TaskCounts,
  whyWaiting,
} from '@millrace/engine'
import { formatDuration, LOG_LEVELS, type LogLevel, milliseconds, UserError } from '@millrace/sdk'
import { EXIT } from '../exit.ts'
import { followRun } from '../follow-run.ts'
import { formatLog } from '../output/log-line.ts'
import { factLines } from '../output/print.ts'
import { ago, table } from '../output/table.ts'
import { count, findRun } from '../project.ts'
import { withStore } from '../with-store.ts'

interface StoreOptions {
  readonly database?: string
  readonly json?: boolean
  readonly watch?: boolean
}

interface ListOptions extends StoreOptions {
  readonly flow?: string
  readonly state?: readonly string[]
  readonly deployment?: string
  readonly queue?: string
  readonly label?: string
  readonly since?: string
  readonly limit: string
  readonly after?: string
}

/** `millrace runs` */
export async function listRuns(options: ListOptions): Promise<void> {
  const filter: RunFilter = {
    limit: count(options.limit, '--limit'),
    ...(options.flow !== undefined && { flow: options.flow }),
    ...(options.state && { states: options.state.map(readState) }),
    ...(options.deployment !== undefined && { deployment: options.deployment }),
    ...(options.queue !== undefined && { queue: options.queue }),
    ...(options.label !== undefined && { label: options.label }),
    ...(options.since !== undefined && { since: readTime(options.since, '--since') }),
    ...(options.after !== undefined && { after: options.after }),
  }
  await withStore(options, async (store) => {
    await repeat(options.watch, async () => {
      const { runs, next } = await store.listRuns(filter)
      if (options.json)
        return `${JSON.stringify(next ? { runs: runs.map(withoutSource), next } : { runs: runs.map(withoutSource) }, null, 2)}\n`
      if (runs.length === 0) return 'No runs.\n'
      const rows = runs.map((run) => [run.id, run.name, run.state, took(run), ago(run.created), firstLine(run.message)])
      const more = next ? `\nMore: --after ${next}` : ''
      return `${table([['RUN', 'NAME', 'STATE', 'TOOK', 'CREATED', 'MESSAGE'], ...rows])}${more}\n`
    })
  })
}

/** `millrace runs show RUN` */
export async function showRun(id: string, options: StoreOptions): Promise<void> {
  await withStore(options, async (store) => {
    await repeat(options.watch, async (stop) => {
      const run = await findRun(store, id)
      const [tasks, launch, waits] = await Promise.all([
        store.taskCounts(run.id),
        run.launch ? lastLaunch(store.database, run.id) : undefined,
        run.state === 'Scheduled' ? whyWaiting(store.database, run.id) : undefined,
      ])
      if (isFinalRun(run.state)) stop()
      if (options.json) {
        const more = { ...(launch && { where: launch }), ...(waits !== undefined && { waits }) }
        return `${JSON.stringify({ ...withoutSource(run), bundle: run.source?.digest, ...more, tasks }, null, 2)}\n`
      }
      return describeRun(run, tasks, launch, waits)
    })
  })
}

function describeRun(run: FlowRun, tasks: TaskCounts, launch: Launch | undefined, waits: string | undefined): string {
  const { source, notBefore } = run
  const facts = factLines([
    ['run', `${run.id} (${run.name})`],
    ['flow', run.flow],
    ['state', run.message ? `${run.state}: ${firstLine(run.message)}` : run.state],
    ['waits', waits],
    ['not before', notBefore === undefined ? undefined : new Date(notBefore).toLocaleString()],
    ['deployment', run.deployment],
    ['queue', run.queue],
    ['labels', run.labels.join(', ')],
    ['env', run.env],
    ['executor', run.executor],
    ['code', source?.digest.slice(0, 12)],
    ['release', run.release],
    ['commit', run.commit?.slice(0, 12)],
    ['attempt', run.attempt],
    ['where', launch && `${launch.place}: ${launch.handle ?? launch.jobName}`],
    ['created', `${new Date(run.created).toLocaleString()} (${ago(run.created)})`],
    ['took', took(run)],
    ['driver', run.driver],
    ['params', JSON.stringify(run.params)],
  ])
  const counts = Object.entries(tasks).map(([task, states]) => [
    task,
    Object.values(states).reduce((sum, n) => sum + n, 0),
    Object.entries(states)
      .filter(([, n]) => n > 0)
      .map(([state, n]) => `${n} ${state}`)
      .join(', '),
  ])
  return `${facts}\n${counts.length > 0 ? `\n${table([['TASK', 'RUNS', 'STATES'], ...counts])}\n` : ''}`
}

interface LogOptions extends StoreOptions {
  readonly level: string
}

/** `millrace runs logs RUN` */
export async function printLogs(id: string, options: LogOptions): Promise<void> {
  const level = LOG_LEVELS.find((each) => each === options.level) satisfies LogLevel | undefined
  await withStore(options, async (store) => {
    const run = await findRun(store, id)
    let isEmpty = true
    const print = (line: StoredLog): void => {
      isEmpty = false
      const { source, ...entry } = line
      process.stdout.write(`${options.json ? JSON.stringify(line) : formatLog(source, entry)}\n`)
    }
    await followRun(store, run.id, print, { level, watch: options.watch ?? false })
    if (isEmpty && !options.watch && !options.json) process.stderr.write(`run ${run.id} has no log lines\n`)
  })
}

/** `millrace runs cancel|pause|continue RUN` */
export async function changeRun(
  verb: 'cancel' | 'pause' | 'continue',
  id: string,
  options: StoreOptions,
): Promise<void> {
  await withStore(options, async (store) => {
    const run = await findRun(store, id)
    const change = CHANGES[verb]
    if (run.state === change.to) {
      process.stdout.write(`${run.id} is ${run.state} already\n`)
      return
    }
    const changed = isFinalRun(run.state) ? undefined : await applyChange(store, run, change)
    if (!changed) throw new UserError(`run ${run.id} is ${run.state}: it cannot be ${change.done}`)
    process.stdout.write(`${run.id} ${changed.state}\n`)
    if (verb === 'cancel' && !isFinalRun(changed.state)) process.exitCode = await waitForEnd(store, run.id)
  })
}

const CHANGES = {
  cancel: { to: 'Cancelling', done: 'cancelled' },
  pause: { to: 'Paused', done: 'paused' },
  continue: { to: 'Running', done: 'continued' },
} as const

async function applyChange(
  store: RunStore,
  run: FlowRun,
  change: (typeof CHANGES)[keyof typeof CHANGES],
): Promise<FlowRun | undefined> {
  if (change.to === 'Running' && run.state !== 'Paused') return undefined
  if (change.to === 'Cancelling') {
    const more = { message: 'cancelled by a person' }
    // A run that no driver has taken yet has nothing to wait for.
    if (run.attempt === 0 || run.state === 'Scheduled') return store.setState(run.id, 'Cancelled', more)
    return store.setState(run.id, 'Cancelling', more)
  }
  return store.setState(run.id, change.to)
}

/** Waits a few seconds for the driver to obey. */
async function waitForEnd(store: RunStore, id: string): Promise<number> {
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(100)) {
    const run = await store.findRun(id)
    if (!run || isFinalRun(run.state)) {
      process.stdout.write(`${id} ${run?.state ?? 'gone'}\n`)
      return EXIT.completed
    }
  }
  process.stderr.write(`millrace: run ${id} is still stopping; its driver has not answered for 15 s\n`)
  return EXIT.failed
}

/** `millrace runs prune` */
export async function pruneRuns(options: StoreOptions & { olderThan: string; dryRun?: boolean }): Promise<void> {
  const before = readTime(options.olderThan, '--older-than')
  await withStore(options, async (store) => {
    const ids = await store.prune(before, { dryRun: options.dryRun ?? false })
    for (const id of ids) process.stdout.write(`${id}\n`)
    process.stderr.write(`${ids.length} runs ${options.dryRun ? 'would be deleted' : 'deleted'}\n`)
  })
}

/** Prints once, or again and again on a cleared screen, until told to stop. */
async function repeat(watch: boolean | undefined, text: (stop: () => void) => Promise<string>): Promise<void> {
  let over = !watch
  for (;;) {
    const now = await text(() => {
      over = true
    })
    process.stdout.write(watch && process.stdout.isTTY ? `\x1b[2J\x1b[H${now}` : now)
    if (over) return
    await sleep(1000)
  }
}

function readState(text: string): RunState {
  const state = RUN_STATES.find((each) => each.toLowerCase() === text.trim().toLowerCase())
  if (!state) throw new UserError(`--state: there is no state "${text}"`, `States: ${RUN_STATES.join(', ')}.`)
  return state
}

/** A point in time: an ISO date, or a length of time ago. @returns milliseconds since the epoch */
function readTime(text: string, option: string): number {
  if (/^\d{4}-/.test(text)) {
    const time = Date.parse(text)
    if (Number.isNaN(time)) throw new UserError(`${option}: "${text}" is not a date such as 2026-11-20T08:00Z`)
    return time
  }
  return Date.now() - milliseconds(text, option)
}

function took(run: FlowRun): string {
  if (run.started === undefined) return ''
  return formatDuration((run.ended ?? Date.now()) - run.started)
}

function firstLine(text = ''): string {
  const [line = ''] = text.split('\n')
  return line.length > 100 ? `${line.slice(0, 100)}…` : line
}

function withoutSource({ source: _source, ...run }: FlowRun): Omit<FlowRun, 'source'> {
  return run
}
