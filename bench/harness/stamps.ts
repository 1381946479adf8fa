import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stamp } from '../flows/stamp.ts'

/** The clock that stamps are made with: milliseconds since the epoch, finer than Date.now. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}

/** What tasks of the flow `bench-stamp` have left in the file so far. */
export function readStamps(file: string): Stamp[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  // What follows the last line feed is being written.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Stamp)
}

/** Waits until the stamps are as wanted. @throws when that takes longer than `patience` ms */
export async function untilStamps(
  file: string,
  wanted: (stamps: readonly Stamp[]) => boolean,
  patience = 30_000,
): Promise<Stamp[]> {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(5)) {
    const stamps = readStamps(file)
    if (wanted(stamps)) return stamps
  }
  throw new Error(`the tasks did not get as far as expected within ${patience / 1000} s`)
}
