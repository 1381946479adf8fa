import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2000

/**
 * Looks again and again until there is something, for what Google does by itself within seconds: make a definition,
 * stop what is being stopped.
 * @returns undefined when so much time (ms) passed in vain
 */
export async function waitFor<T>(look: () => Promise<T | undefined>, within: number): Promise<T | undefined> {
  const end = performance.now() + within
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const found = await look()
    if (found !== undefined || performance.now() + pause > end) return found
    await sleep(pause)
  }
}
