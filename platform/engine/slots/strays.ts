import { currentScope, redact, type Scope } from '@millrace/sdk'
import { toFailure } from '../values/failure.ts'
import type { FromThread } from './batch.ts'

/** What the scope of a call on a thread knows besides: for errors that nobody waits for. */
export interface StrayScope {
  readonly seq: number
  /** Fails the call with an error of its own making that would pass unseen. @returns false when the call is over */
  stray(error: unknown): boolean
}

type Stray = Extract<FromThread, { kind: 'stray' }>

let tell: ((stray: Stray) => void) | undefined
/** What came while no batch was there to tell it. */
const untold: Stray[] = []

/** From now on strays are told to `listener`. @returns a function that ends this */
export function tellStrays(listener: (stray: Stray) => void): () => void {
  tell = listener
  for (const stray of untold.splice(0)) listener(stray)
  return () => {
    if (tell === listener) tell = undefined
  }
}

/**
 * Sees to errors that nobody handles: a callback that throws, a promise left behind. They fail the call they come
 * from; where that is over, they become a log line of its run. Without this they would end the thread, and be blamed
 * on the call that it runs by then.
 */
export function seeToStrays(): void {
  const see = (error: unknown): void => {
    const scope = currentScope() as (Scope & Partial<StrayScope>) | undefined
    if (scope?.stray?.(error)) return
    const { message, stack } = toFailure(error)
    if (!scope || scope.seq === undefined) {
      console.error(`something failed on a thread, and no task waits for it: ${stack ?? message}`)
      return
    }
    const entry = {
      time: Date.now(),
      level: 'error' as const,
      message: redact(`a promise or a callback that this task left behind failed: ${stack ?? message}`),
    }
    const stray = { kind: 'stray' as const, run: scope.run.id, seq: scope.seq, task: scope.task ?? '', entry }
    if (tell) tell(stray)
    else untold.push(stray)
  }
  process.on('unhandledRejection', see)
  process.on('uncaughtException', see)
}
