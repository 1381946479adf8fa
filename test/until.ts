import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `look` gives something true, and gives it back. */
export async function until<T>(look: () => T | Promise<T>, within = 10_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + within
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`${within} ms passed in vain: ${look}`)
    await sleep(5)
  }
}

/** The lines of a file; none while there is no file. */
export function linesOf(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}
