import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from './engine.ts'

/** So long (ms) an engine may take to say that it cannot stop a container. */
const HEARD_WITHIN_MS = 1000

/**
 * Stops containers, and does not wait for their end, which may take all their grace. Asked again meanwhile it does
 * nothing: a second SIGTERM would tell a worker not to finish what it runs.
 */
export function stopper(engine: Pick<Engine, 'stop'>): (id: string) => Promise<void> {
  const going = new Map<string, Promise<void>>()

  return async function stop(id) {
    const stopped = going.get(id) ?? begin(id)
    await Promise.race([stopped, sleep(HEARD_WITHIN_MS, undefined, { ref: false })])
  }

  function begin(id: string): Promise<void> {
    const stopped = engine.stop(id).finally(() => going.delete(id))
    // What goes wrong later is found by whoever looks whether it stopped.
    stopped.catch(() => {})
    going.set(id, stopped)
    return stopped
  }
}
