import { setTimeout as sleep } from 'node:timers/promises'
import { LaunchError, type Launcher } from './launcher.ts'

/** Time and chance, as they come in at the edge. */
export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number
  /** Ends early, with the signal's reason, when it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void>
  /** From 0 to 1. */
  random(): number
}

export interface PatientOptions {
  /** The first wait is at most this (ms), each that follows at most twice the one before. @default 1000 */
  readonly first?: number
  /** No wait is longer (ms), unless the platform asks for it. @default 60,000 */
  readonly longest?: number
  /** For how long (ms) a call is tried again. @default 300,000 */
  readonly within?: number
  /** Ends the waiting: calls then reject with its reason. What a platform does at the moment goes on to its end. */
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Told of each wait. */
  readonly onBusy?: (error: LaunchError, wait: number) => void
}

const CLOCK: Clock = {
  now: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, signal && { signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  },
  random: Math.random,
}

/**
 * A launcher that tries again where its platform is busy, which every call of a launcher allows. Waits are drawn evenly from
 * zero to a bound that doubles ("full jitter"): many agents that were turned away at once do not come back at once. A wait
 * that the platform asks for comes first. What is refused or denied is not tried again.
 */
export function patient(launcher: Launcher, options: PatientOptions = {}): Launcher {
  const { first = 1000, longest = 60_000, within = 300_000, signal, clock = CLOCK, onBusy } = options

  async function trying<T>(call: () => Promise<T>): Promise<T> {
    const began = clock.now()
    for (let bound = first; ; bound = Math.min(bound * 2, longest)) {
      signal?.throwIfAborted()
      try {
        return await call()
      } catch (error) {
        if (!(error instanceof LaunchError) || error.kind !== 'busy') throw error
        const wait = (error.after ?? 0) + clock.random() * Math.min(bound, longest)
        if (clock.now() - began + wait > within) throw error
        onBusy?.(error, wait)
        await clock.sleep(wait, signal)
      }
    }
  }

  return {
    kind: launcher.kind,
    place: launcher.place,
    launch: (spec) => trying(() => launcher.launch(spec)),
    status: (handle) => trying(() => launcher.status(handle)),
    cancel: (handle) => trying(() => launcher.cancel(handle)),
    remove: (handle) => trying(() => launcher.remove(handle)),
    list: () => trying(() => launcher.list()),
    tail: (handle, lines) => trying(() => launcher.tail(handle, lines)),
    close: () => launcher.close(),
  }
}
