import {
  clearQueue,
  labelLimits,
  pauseQueue,
  putLabelLimit,
  putQueue,
  type QueueRow,
  type QueueSettings,
  queues,
  removeQueue,
  resumeQueue,
  whyWaiting,
} from '@millrace/engine'
import { formatDuration, nearest, UserError } from '@millrace/sdk'
import { confirm } from '../input/confirm.ts'
import { limitOrNone, wholeNumber } from '../input/numbers.ts'
import { formatWindow, readWindow } from '../input/queue-window.ts'
import { factLines, print, printJson } from '../output/print.ts'
import { ago, table } from '../output/table.ts'
import { person } from '../person.ts'
import { withStore } from '../with-store.ts'

interface QueueOptions {
  readonly database?: string
  readonly json?: boolean
}

/** `millrace queue` */
export async function listQueues(options: QueueOptions): Promise<void> {
  const all = await withStore(options, ({ database }) => queues(database))
  if (options.json) return printJson(all)
  const rows = all.map((queue) => [
    queue.name,
    stateOf(queue),
    queue.waiting,
    queue.launching,
    queue.running,
    queue.oldest === undefined ? '' : formatDuration(queue.oldest),
    queue.settings.concurrency ?? '',
    queue.settings.priority,
    queue.settings.window ? formatWindow(queue.settings.window) : '',
  ])
  print(table([['QUEUE', 'STATE', 'WAITING', 'LAUNCHING', 'RUNNING', 'OLDEST', 'MOST', 'PRIORITY', 'WINDOW'], ...rows]))
}

/** Runs that `queue show` lists. */
const MOST_SHOWN = 10

/** `millrace queue show NAME` */
export async function showQueue(name: string, options: QueueOptions): Promise<void> {
  await withStore(options, async (store) => {
    const queue = await findQueue(name, await queues(store.database))
    const { runs } = await store.listRuns({ queue: name, states: ['Scheduled'], limit: MOST_SHOWN })
    const waiting = await Promise.all(
      runs.map(async (run) => ({ run, why: (await whyWaiting(store.database, run.id)) ?? 'starts as soon as may be' })),
    )
    if (options.json) {
      const shown = waiting.map(({ run: { source: _source, ...run }, why }) => ({ ...run, why }))
      return printJson({ ...queue, newest: shown })
    }
    print(describe(queue))
    if (waiting.length === 0) return
    const rows = waiting.map(({ run, why }) => [run.id, run.name, run.priority ?? 0, ago(run.created), why])
    print(`\n${table([['RUN', 'NAME', 'PRIORITY', 'CREATED', 'WAITS BECAUSE'], ...rows])}`)
    if (queue.waiting > runs.length) print(`and ${queue.waiting - runs.length} older ones`)
  })
}

interface SetOptions extends QueueOptions {
  readonly concurrency?: string
  readonly priority?: string
  readonly cap?: string
  readonly window?: string
}

/** `millrace queue set NAME` */
export async function setQueue(name: string, options: SetOptions): Promise<void> {
  const settings = readSettings(options)
  await withStore(options, async ({ database }) => {
    await putQueue(database, name, settings)
    const queue = await findQueue(name, await queues(database))
    if (options.json) printJson(queue)
    else print(describe(queue))
  })
}

function readSettings({ concurrency, priority, cap, window }: SetOptions): QueueSettings {
  return {
    ...(concurrency !== undefined && { concurrency: limitOrNone(concurrency, '--concurrency') }),
    ...(priority !== undefined && { priority: wholeNumber(priority, '--priority') }),
    ...(cap !== undefined && { cap: limitOrNone(cap, '--cap', 0) }),
    ...(window !== undefined && { window: window === 'none' ? null : readWindow(window, '--window') }),
  }
}

/** `millrace queue pause NAME` */
export async function pause(name: string, options: QueueOptions & { reason?: string }): Promise<void> {
  const by = await person()
  await withStore(options, async ({ database }) => {
    await pauseQueue(database, name, { by, reason: options.reason ?? 'no reason given' })
    print(`${name}: ${stateOf(await findQueue(name, await queues(database)))}`)
  })
}

/** `millrace queue resume NAME` */
export async function resume(name: string, options: QueueOptions): Promise<void> {
  await withStore(options, ({ database }) => resumeQueue(database, name))
  print(`${name} goes on`)
}

/** `millrace queue clear NAME` */
export async function clear(name: string, options: QueueOptions & { yes?: boolean }): Promise<void> {
  const by = await person()
  await withStore(options, async ({ database }) => {
    const { waiting } = await findQueue(name, await queues(database))
    if (!options.yes && waiting > 0) await confirm(`Cancel ${countOf(waiting)} that wait in the queue ${name}?`)
    const cancelled = await clearQueue(database, name, { by })
    if (options.json) printJson({ queue: name, cancelled })
    else print(`${countOf(cancelled.length)} cancelled`)
  })
}

/** `millrace queue remove NAME` */
export async function remove(name: string, options: QueueOptions): Promise<void> {
  await withStore(options, ({ database }) => removeQueue(database, name))
  print(`${name} removed`)
}

/** `millrace queue limit LABEL COUNT` */
export async function limit(label: string, most: string, options: QueueOptions): Promise<void> {
  const value = limitOrNone(most, `label ${label}`)
  await withStore(options, ({ database }) => putLabelLimit(database, label, value ?? undefined))
  print(value === null ? `${label}: no limit` : `${label}: ${value} at once`)
}

/** `millrace queue limits` */
export async function listLimits(options: QueueOptions): Promise<void> {
  const all = await withStore(options, ({ database }) => labelLimits(database))
  if (options.json) printJson(all)
  else if (all.length === 0) print('No label has a limit.')
  else print(table([['LABEL', 'MOST', 'GOING'], ...all.map(({ label, most, going }) => [label, most, going])]))
}

function findQueue(name: string, all: readonly QueueRow[]): QueueRow {
  const found = all.find((each) => each.name === name)
  if (found) return found
  const names = all.map((each) => each.name)
  const near = nearest(name, names)
  throw new UserError(
    `there is no queue "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    `Queues: ${names.join(', ')}. Make one with: millrace queue set ${name}`,
  )
}

function describe(queue: QueueRow): string {
  const { concurrency, priority, cap, window } = queue.settings
  return factLines([
    ['queue', queue.name],
    ['state', stateOf(queue)],
    ['waiting', `${queue.waiting}${queue.oldest === undefined ? '' : `, for up to ${formatDuration(queue.oldest)}`}`],
    ['launching', queue.launching],
    ['running', queue.running],
    ['concurrency', concurrency ?? 'none'],
    ['priority', priority],
    ['cap', cap ?? 'none'],
    ['window', window ? formatWindow(window) : 'none'],
  ])
}

function stateOf({ paused }: QueueRow): string {
  if (!paused) return 'open'
  return `paused by ${paused.by} ${ago(paused.at)}${paused.reason ? `: ${paused.reason}` : ''}`
}

function countOf(runs: number): string {
  return runs === 1 ? 'one run' : `${runs} runs`
}
