import { setTimeout as sleep } from 'node:timers/promises'
import { claimNotices, type Database, type Notice, noticeFailed, noticeSent } from '@millrace/engine'
import { backoff } from './backoff.ts'
import { type DeliverOptions, deliver } from './deliver.ts'
import { DeliveryError } from './delivery.ts'
import { shownDestination } from './destination.ts'
import { deliveryOf } from './event.ts'

export interface NotifierOptions extends Omit<DeliverOptions, 'signal'> {
  /** Most deliveries at once. A receiver that is slow takes up one of them. @default 16 */
  readonly atOnce?: number
  /** Told of what did not arrive. */
  readonly onMessage?: (level: 'info' | 'warn', text: string) => void
}

/** Tells who wants to know that runs are over. */
export interface Notifier {
  /** Delivers what is due, and what becomes due meanwhile; several calls at once share the work. */
  deliver(): Promise<void>
  /** Ends what goes on: what is cut off is delivered again, by another agent or later. */
  close(): Promise<void>
}

/** How often (ms) more is looked for while deliveries go on. */
const LOOK_EVERY = 1000

/**
 * Each notice is delivered at least once: it stays claimed while it goes out, is tried again later (see backoff.ts) where
 * it did not arrive, and given up after a day, or where the receiver says that it never will.
 * @param options.smtp default: the environment's MILLRACE_SMTP
 */
export function notifier(database: Database, options: NotifierOptions = {}): Notifier {
  const { atOnce = 16, onMessage = () => {}, smtp = process.env.MILLRACE_SMTP, ...given } = options
  const stop = new AbortController()
  const going = new Set<Promise<void>>()

  const start = (notice: Notice): void => {
    const one = deliverOne(notice)
      // Not written down, it stays claimed for a while, and is delivered again.
      .catch((error: Error) => onMessage('warn', `notice ${notice.id}: ${error.message}`))
      .finally(() => going.delete(one))
    going.add(one)
  }
  const deliverOne = async (notice: Notice): Promise<void> => {
    const error = await deliver(deliveryOf(notice), { ...given, smtp, signal: stop.signal }).then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))),
    )
    if (!error) return await noticeSent(database, notice.id)
    if (!stop.signal.aborted) await fail(notice, error)
  }
  const fail = async ({ id, to, attempt, run }: Notice, error: Error): Promise<void> => {
    const { isFinal = false, after = undefined } = error instanceof DeliveryError ? error : {}
    const wait = backoff(attempt, after)
    await (isFinal
      ? noticeFailed(database, id, error.message, wait, 0)
      : noticeFailed(database, id, error.message, wait))
    // Once is enough: the rest is in the list of what is not delivered.
    if (isFinal || attempt === 1) {
      const next = isFinal ? 'given up' : 'it is tried again'
      onMessage('warn', `${shownDestination(to)} was not told of run ${run.id} (${next}): ${error.message}`)
    }
  }

  return {
    deliver: async () => {
      while (!stop.signal.aborted) {
        const room = atOnce - going.size
        const found = room > 0 ? await claimNotices(database, room) : []
        for (const notice of found) start(notice)
        if (going.size === 0) return
        // Until there is room for another, or it is time to look for what has become due.
        const rest = new AbortController()
        const signal = AbortSignal.any([rest.signal, stop.signal])
        await Promise.race([...going, sleep(LOOK_EVERY, undefined, { signal }).catch(() => {})])
        rest.abort()
      }
    },
    close: async () => {
      stop.abort(new Error('the notifier was closed'))
      await Promise.allSettled(going)
    },
  }
}
