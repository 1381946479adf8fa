type Data = string | Uint8Array | AsyncIterable<Uint8Array>

/**
 * Data on its way into a store, and whether it was the data's own source that failed:
 * then its error is passed on as it is, for it says nothing about the store.
 */
export function watched<T extends Data>(data: T): { data: T | AsyncIterable<Uint8Array>; failed(): boolean } {
  if (typeof data === 'string' || data instanceof Uint8Array) return { data, failed: () => false }
  const source: AsyncIterable<Uint8Array> = data
  let failed = false
  async function* watch(): AsyncGenerator<Uint8Array> {
    try {
      yield* source
    } catch (error) {
      failed = true
      throw error
    }
  }
  return { data: watch(), failed: () => failed }
}
