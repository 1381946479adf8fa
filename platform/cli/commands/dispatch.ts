import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DispatchPause,
  dispatchPaused,
  type FlowRun,
  type PostgresStore,
  pauseDispatch,
  type RunState,
  resumeDispatch,
} from '@millrace/engine'
import { CancelledError, formatDuration, milliseconds } from '@millrace/sdk'
import { EXIT } from '../exit.ts'
import { print, printJson } from '../output/print.ts'
import { ago, table } from '../output/table.ts'
import { person } from '../person.ts'
import { withStore } from '../with-store.ts'
import { findDeployed } from './deployments.ts'

interface DispatchOptions {
  readonly database?: string
  readonly json?: boolean
}

/** Launched, or being launched, and not over. */
const GOING: readonly RunState[] = ['Pending', 'Running', 'Retrying', 'Paused', 'Cancelling']
const PAGE = 500
const LOOK_EVERY_MS = 1000
/** Runs that a line names. */
const NAMED = 3

/** `millrace dispatch status [DEPLOYMENT…]` */
export async function status(names: readonly string[], options: DispatchOptions): Promise<void> {
  await withStore(options, async (store) => {
    for (const name of names) await findDeployed(store.database, name)
    const [paused, going] = await Promise.all([dispatchPaused(store.database), goingRuns(store, names)])
    if (options.json) return printJson({ paused, going: going.map(shown) })
    print(paused.length === 0 ? 'Nothing is held back.' : paused.map(sentence).join('\n'))
    if (going.length === 0) return print('No run goes on.')
    const rows = going.map((run) => [run.id, run.deployment ?? '-', run.state, run.queue ?? '-', ago(run.created)])
    print(`\n${table([['RUN', 'DEPLOYMENT', 'STATE', 'QUEUE', 'CREATED'], ...rows])}`)
  })
}

interface PauseOptions extends DispatchOptions {
  readonly reason?: string
  readonly wait?: boolean
  readonly timeout?: string
}

/** `millrace dispatch pause [DEPLOYMENT…]` */
export async function pause(names: readonly string[], options: PauseOptions): Promise<void> {
  const within = options.timeout === undefined ? undefined : milliseconds(options.timeout)
  const by = await person()
  await withStore(options, async (store) => {
    const { database } = store
    for (const name of names) await findDeployed(database, name)
    const reason = options.reason ?? 'no reason given'
    await pauseDispatch(database, { by, reason, ...(names.length > 0 && { deployments: names }) })
    const paused = await dispatchPaused(database)
    if (!options.json) print(paused.map(sentence).join('\n'))
    const left = options.wait ? await untilNoneGoes(store, names, within) : await goingRuns(store, names)
    if (options.wait && left.length > 0) process.exitCode = EXIT.failed
    if (options.json) return printJson({ paused, going: left.map(shown) })
    if (left.length === 0) return print('No run goes on.')
    const late = options.wait ? ` after ${formatDuration(within ?? 0)}; what is held back stays so` : ''
    print(`${describe(left)}${late}`)
  })
}

/** `millrace dispatch resume [DEPLOYMENT…]` */
export async function resume(names: readonly string[], options: DispatchOptions): Promise<void> {
  await withStore(options, async ({ database }) => {
    const before = await dispatchPaused(database)
    const paused = await resumeDispatch(database, names.length > 0 ? { deployments: names } : {})
    if (options.json) return printJson({ paused })
    for (const name of names.length > 0 ? names : [undefined]) {
      const was = before.some(({ deployment }) => deployment === name)
      print(`${name ?? 'every run'}: ${was ? 'launched again' : 'was not held back'}`)
    }
    if (paused.length > 0) print(paused.map((each) => `still: ${sentence(each)}`).join('\n'))
  })
}

/**
 * Waits until no run of them goes on; what is left is said whenever it changes.
 * @param within milliseconds @returns those that go on when that time is over
 */
async function untilNoneGoes(
  store: PostgresStore,
  names: readonly string[],
  within = Number.POSITIVE_INFINITY,
): Promise<readonly FlowRun[]> {
  const interrupted = new AbortController()
  const stop = (): void => interrupted.abort()
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    const end = performance.now() + within
    for (let said = ''; ; ) {
      const left = await goingRuns(store, names)
      if (left.length === 0 || performance.now() >= end) return left
      const text = describe(left)
      if (text !== said) process.stderr.write(`${text}\n`)
      said = text
      await sleep(Math.min(LOOK_EVERY_MS, end - performance.now()), undefined, { signal: interrupted.signal })
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    throw new CancelledError('interrupted; runs are held back until `millrace dispatch resume`')
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

/** All runs that came out of a queue and are not over; of these deployments, where some are named. */
async function goingRuns(store: PostgresStore, names: readonly string[]): Promise<FlowRun[]> {
  const found: FlowRun[] = []
  for (const deployment of names.length > 0 ? names : [undefined]) {
    for (let after: string | undefined, isMore = true; isMore; ) {
      const filter = { states: GOING, limit: PAGE, ...(deployment && { deployment }), ...(after && { after }) }
      const { runs, next } = await store.listRuns(filter)
      found.push(...runs.filter(({ queue }) => queue !== undefined))
      after = next
      isMore = next !== undefined
    }
  }
  return found
}

function sentence({ deployment, by, reason, at }: DispatchPause): string {
  const what = deployment === undefined ? 'No run is launched' : `No run of ${deployment} is launched`
  return `${what}: paused by ${by} ${ago(at)}: ${reason}`
}

function describe(going: readonly FlowRun[]): string {
  const names = going
    .slice(0, NAMED)
    .map(({ id, deployment, state }) => `${id} (${deployment ?? 'no deployment'}, ${state})`)
  const more = going.length > NAMED ? `, and ${going.length - NAMED} more` : ''
  return `${going.length === 1 ? 'one run goes' : `${going.length} runs go`} on: ${names.join(', ')}${more}`
}

function shown({ id, name, flow, deployment, state, queue, created }: FlowRun) {
  return { id, name, flow, deployment, state, queue, created }
}
