import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something is so. @throws when that takes longer than `patience` ms */
export async function until(
  what: string,
  patience: number,
  isSo: () => boolean | Promise<boolean>,
  every = 20,
): Promise<void> {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(every)) {
    if (await isSo()) return
  }
  throw new Error(`within ${patience / 1000} s it did not come to be that ${what}`)
}
