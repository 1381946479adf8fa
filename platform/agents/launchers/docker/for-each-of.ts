/**
 * Does something for each item, so many at once, to the end, so that nothing goes on when this is over.
 * @throws what went wrong first
 */
export async function forEachOf<T>(
  items: readonly T[],
  atOnce: number,
  action: (item: T) => Promise<unknown>,
): Promise<void> {
  const waiting = items.values()
  const errors: unknown[] = []
  const work = async (): Promise<void> => {
    for (const item of waiting) {
      try {
        await action(item)
      } catch (error) {
        errors.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(items.length, atOnce) }, work))
  if (errors.length > 0) throw errors[0]
}
