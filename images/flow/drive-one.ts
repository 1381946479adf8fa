import { driveRun, type FlowRun, type FlowSource, importFlow, PostgresStore, type RunState } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { LOG_EVENT } from '../../infra/components/log-events.ts'
import { bringBundle, ownBundle } from '../runtime/bring-bundle.ts'
import { type Contract, readContract, required } from '../runtime/contract.ts'
import { databaseUrl } from '../runtime/database-url.ts'
import { HOME } from '../runtime/home.ts'
import { type Fields, writeEntry, writeLine } from '../runtime/log.ts'
import { readSecrets } from '../runtime/read-secrets.ts'
import { writeFailure } from '../runtime/write-failure.ts'

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
    const url = await databaseUrl(required(contract, 'MILLRACE_DATABASE'))
    const onAway = (message: string): void => writeLine('WARNING', message)
    const store = await PostgresStore.open(url, { onAway })
    try {
      return await drive(contract, store)
    } finally {
      await store.close()
    }
  } catch (error) {
    return writeFailure(error)
  }
}

async function drive(contract: Contract, store: PostgresStore): Promise<number> {
  const id = required(contract, 'MILLRACE_RUN')
  const found = await store.findRun(id)
  if (!found) throw new UserError(`there is no run ${id} in the database`)
  const facts = { run: found.id, flow: found.flow }
  if (isOver(found)) {
    writeLine('INFO', `run ${found.id} is ${found.state} already`, facts)
    return exitOf(found.state)
  }
  const source = await bringBundle(contract.MILLRACE_BUNDLE ?? ownBundle())
  checkSource(found, source)
  await readSecrets(contract.MILLRACE_SECRETS)
  const flow = await importFlow(HOME, source)
  if (found.state === 'Crashed') await store.reopen(found.id, source)
  const goAway = leaveWhenTold(store, found, facts)
  try {
    const { run, error } = await driveRun(found.id, {
      flow,
      store,
      root: HOME,
      ...(contract.MILLRACE_SLOTS !== undefined && { slots: contract.MILLRACE_SLOTS }),
      ...(contract.MILLRACE_TASK_MEMORY !== undefined && { memory: contract.MILLRACE_TASK_MEMORY }),
      onLog: (from, entry) => writeEntry(from, entry, facts),
      onStart: ({ name, attempt }) => writeLine('INFO', `run ${found.id} (${name}) begins`, { ...facts, attempt }),
    })
    if (goAway.told) return TOLD_TO_GO
    tellEnd(run, error, facts)
    return exitOf(run.state)
  } finally {
    goAway.forget()
  }
}

/** Ended for good. A crashed run goes on. */
function isOver({ state }: FlowRun): boolean {
  return state === 'Completed' || state === 'Failed' || state === 'Cancelled'
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

/**
 * When the machine is taken away, or the container moved, the run is not cancelled: it is left for another driver, which
 * finds what is finished in the journal. A run that is being cancelled ends by itself.
 */
function leaveWhenTold(
  store: PostgresStore,
  { id }: FlowRun,
  facts: Fields,
): { readonly told: boolean; forget(): void } {
  let told = false
  const leave = async (signal: NodeJS.Signals): Promise<void> => {
    const now = await store.findRun(id)
    if (!now || now.state === 'Cancelling') return
    const message = `its driver was told to go (${signal}); started again, the run goes on from what is finished`
    // A run that has ended meanwhile, or is another driver's by now, stays as it is.
    if (!(await store.setState(id, 'Crashed', { message, attempt: now.attempt }))) return
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
