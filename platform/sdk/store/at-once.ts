import { abortSignal } from '../scope.ts'

/**
 * Does `work` for each item, `atOnce` of them at a time; items are taken only as there is room for them.
 * After the first failure, or when the run is cancelled, no more are taken, and those under way are waited for.
 * @returns how many
 */
export async function forEachAtOnce<T>(
  items: Iterable<T> | AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<number> {
  const signal = abortSignal()
  const iterator = Symbol.iterator in items ? items[Symbol.iterator]() : items[Symbol.asyncIterator]()
  let count = 0
  let failed = false
  const lane = async (): Promise<void> => {
    try {
      while (!failed) {
        signal.throwIfAborted()
        const next = await iterator.next()
        if (next.done) return
        await work(next.value)
        count++
      }
    } catch (error) {
      failed = true
      throw error
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: atOnce }, lane))
  const broken = lanes.find((result) => result.status === 'rejected')
  if (broken) {
    await iterator.return?.()
    throw broken.reason
  }
  return count
}
