import type { FlowRun, RunState, RunStore } from '@millrace/engine'

/** Why a driver does nothing, for its log, and what it ends with. */
export interface LeftAlone {
  readonly message: string
  readonly code: number
}

/** Ended for good, whoever asks. */
const OVER: Readonly<Partial<Record<RunState, number>>> = { Completed: 0, Cancelled: 0, Failed: 1 }

/**
 * Pure: why a driver must not take a run up; undefined when it may. Jobs are not always gone when they should be: one may
 * start long after its run was launched again elsewhere.
 * @param launch the launch that the driver belongs to. None: it was started by a person, who may take up a crashed run
 */
export function leaveAlone({ id, state, launch: now }: FlowRun, launch: number | undefined): LeftAlone | undefined {
  if (launch !== undefined && now !== undefined && now !== launch) {
    return { message: `run ${id} was launched again: this is launch ${launch}, and it is at launch ${now}`, code: 0 }
  }
  if (launch !== undefined && state === 'Scheduled') return { message: `run ${id} is back in its queue`, code: 0 }
  const code = launch !== undefined && state === 'Crashed' ? 1 : OVER[state]
  return code === undefined ? undefined : { message: `run ${id} is ${state} already`, code }
}

/** A run that was to be cancelled after an agent took it, and before its driver did: nobody else ends it. */
export async function cancelledBefore(
  store: RunStore,
  { id, state, attempt, message }: FlowRun,
  launch: number | undefined,
): Promise<LeftAlone | undefined> {
  if (state !== 'Cancelling' || (launch === undefined && attempt > 0)) return undefined
  await store.setState(id, 'Cancelled', message === undefined ? {} : { message })
  return { message: `run ${id} was cancelled before it began`, code: 0 }
}

/** What became of a run meanwhile, where it never was this driver's, or is not any more. */
export async function takenAway(
  store: RunStore,
  { id, attempt }: FlowRun,
  launch: number | undefined,
): Promise<LeftAlone | undefined> {
  const now = await store.findRun(id).catch(() => undefined)
  if (!now) return undefined
  const wasNeverOurs = now.attempt === attempt
  const isNotOursNow = now.state === 'Scheduled' || (launch !== undefined && now.launch !== launch)
  // A run that this driver itself broke off is no reason to be silent about why.
  if (!wasNeverOurs && !isNotOursNow) return undefined
  return leaveAlone(now, launch) ?? (wasNeverOurs ? await cancelledBefore(store, now, launch) : undefined)
}
