import { availableParallelism } from 'node:os'
import {
  driveRun,
  type FlowRun,
  type FlowSource,
  importFlow,
  MOST_RESTARTS,
  PostgresStore,
  type RunState,
  rescheduleRun,
  Slots,
} from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { LOG_EVENT } from '../../infra/components/log-events.ts'
import { bringBundle, ownBundle } from '../runtime/bring-bundle.ts'
import { type Contract, readContract, required } from '../runtime/contract.ts'
import { HOME } from '../runtime/home.ts'
import { type Fields, writeEntry, writeLine } from '../runtime/log.ts'
import { readSecrets } from '../runtime/read-secrets.ts'
import { writeFailure } from '../runtime/write-failure.ts'
import { cancelledBefore, leaveAlone, takenAway } from './leave-alone.ts'

/** What a container ends with: as `millrace run`, and 143 when it was told to go before the run was over. */
const EXIT: Readonly<Partial<Record<RunState, number>>> = { Completed: 0, Cancelled: 130 }
const FAILED = 1
const TOLD_TO_GO = 143

/**
 * Drives the run that the run contract names, to its end or until it is told to go, and says in the log how it went.
 * @returns what to end with
 */
export async function driveOne(): Promise<number> {
  try {
    const contract = readContract(process.env)
    const onAway = (message: string): void => writeLine('WARNING', message)
    const database = required(contract, 'MILLRACE_DATABASE')
    // While the database is opened.
    const bundle = bringBundle(contract.MILLRACE_BUNDLE ?? ownBundle())
    bundle.catch(() => {})
    const threads = warmThreads(contract, bundle)
    try {
      const store = await PostgresStore.open(database, { onAway })
      try {
        return await drive(contract, store, bundle, threads)
      } finally {
        await store.close()
      }
    } finally {
      await threads?.close()
    }
  } catch (error) {
    return writeFailure(error)
  }
}

async function drive(
  contract: Contract,
  store: PostgresStore,
  bundle: Promise<FlowSource>,
  threads: Slots | undefined,
): Promise<number> {
  const id = required(contract, 'MILLRACE_RUN')
  const { MILLRACE_LAUNCH: launch } = contract
  const found = await store.findRun(id)
  if (!found) throw new UserError(`there is no run ${id} in the database`)
  const facts = { run: found.id, flow: found.flow, ...(launch !== undefined && { launch }) }
  const left = leaveAlone(found, launch) ?? (await cancelledBefore(store, found, launch))
  if (left) {
    writeLine('INFO', left.message, facts)
    return left.code
  }
  const source = await bundle
  checkSource(found, source)
  await readSecrets(contract.MILLRACE_SECRETS)
  const flow = await importFlow(HOME, source)
  if (found.state === 'Crashed') await store.reopen(found.id, source)
  const goAway = leaveWhenTold(store, found, launch, facts)
  try {
    const { run, error } = await driveRun(found.id, {
      flow,
      store,
      root: HOME,
      ...(launch !== undefined && { launch }),
      ...(threads && { threads }),
      ...(contract.MILLRACE_SLOTS !== undefined && { slots: contract.MILLRACE_SLOTS }),
      ...(contract.MILLRACE_TASK_MEMORY !== undefined && { memory: contract.MILLRACE_TASK_MEMORY }),
      onLog: (from, entry) => writeEntry(from, entry, facts),
      onStart: ({ name, attempt }) => writeLine('INFO', `run ${found.id} (${name}) begins`, { ...facts, attempt }),
    })
    if (goAway.told) return TOLD_TO_GO
    tellEnd(run, error, facts)
    return exitOf(run.state)
  } catch (error) {
    const taken = await takenAway(store, found, launch)
    if (!taken) throw error
    writeLine('INFO', taken.message, facts)
    return goAway.told ? TOLD_TO_GO : taken.code
  } finally {
    goAway.forget()
  }
}

/**
 * Threads for the tasks of the run: one gets ready while the driver does, for most flows have a task soon. A flow that reads
 * secrets waits for them: threads have the environment of when they began.
 */
function warmThreads(contract: Contract, bundle: Promise<FlowSource>): Slots | undefined {
  const { MILLRACE_EXECUTOR: executor, MILLRACE_SECRETS: secrets, MILLRACE_TASK_MEMORY: memory } = contract
  if (executor !== 'threads' || Object.keys(secrets).length > 0) return undefined
  const threads = new Slots({ root: HOME, count: contract.MILLRACE_SLOTS ?? availableParallelism(), memory })
  bundle.then(
    (source) => threads.warm(source),
    () => {},
  )
  return threads
}

function exitOf(state: RunState): number {
  return EXIT[state] ?? FAILED
}

/** @throws UserError when the bundle is not what the run was made for */
function checkSource({ id, flow, source }: FlowRun, brought: FlowSource): void {
  if (flow !== brought.flow) throw new UserError(`run ${id} is of flow ${flow}, and the bundle of ${brought.flow}`)
  if (source && source.digest !== brought.digest) {
    throw new UserError(
      `run ${id} began with the bundle ${source.digest}, and this is ${brought.digest}`,
      'Give MILLRACE_BUNDLE the bundle that the run began with.',
    )
  }
}

/** The line that Monitoring looks for. */
function tellEnd({ id, name, state, message }: FlowRun, error: Error | undefined, facts: Fields): void {
  const why = error && state !== 'Completed' ? `: ${message ?? error.message}` : ''
  writeLine(state === 'Completed' ? 'INFO' : 'ERROR', `run ${id} (${name}) ${state}${why}`, {
    event: LOG_EVENT.runEnded,
    ...facts,
    state,
    ...(error?.stack !== undefined && !(error instanceof UserError) && { stack: error.stack }),
  })
}

/** How long (ms) a driver whose run is over may take to end, when it is told to go. */
const LAST_WORDS = 5000

/**
 * When the machine is taken away, or the container moved, the run is not cancelled: it goes back into its queue, or, where
 * nobody launches it again, is left for another driver, which finds what is finished in the journal. A run that is being
 * cancelled ends by itself.
 */
function leaveWhenTold(
  store: PostgresStore,
  { id }: FlowRun,
  launch: number | undefined,
  facts: Fields,
): { readonly told: boolean; forget(): void } {
  let told = false
  const leave = async (signal: NodeJS.Signals): Promise<void> => {
    const now = await store.findRun(id)
    if (!now || now.state === 'Cancelling') return
    const message = `its driver was told to go (${signal}); started again, the run goes on from what is finished`
    if (!(await letGo(store, now, launch, message))) {
      // It has ended meanwhile, or is another driver's by now.
      setTimeout(() => process.exit(TOLD_TO_GO), LAST_WORDS)
      return
    }
    told = true
    writeLine('WARNING', `run ${id}: ${message}`, facts)
    process.exit(TOLD_TO_GO)
  }
  const onSignal = (signal: NodeJS.Signals): void => void leave(signal).catch(() => process.exit(TOLD_TO_GO))
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  return {
    get told() {
      return told
    },
    forget: () => void process.off('SIGTERM', onSignal).off('SIGINT', onSignal),
  }
}

/** @returns whether the run was this driver's to let go */
async function letGo(
  store: PostgresStore,
  { id, attempt }: FlowRun,
  launch: number | undefined,
  message: string,
): Promise<boolean> {
  if (launch === undefined) return (await store.setState(id, 'Crashed', { message, attempt })) !== undefined
  return (await rescheduleRun(store.database, id, launch, { message, most: MOST_RESTARTS })) !== undefined
}
