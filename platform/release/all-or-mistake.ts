import { UserError } from '@millrace/sdk'

/**
 * Does something for each item, to the end, so that one mistake does not hide the others.
 * @param atOnce most at the same time. @default all
 * @throws UserError the first mistake; its hint names the others
 */
export async function allOrMistake<T, R>(
  items: readonly T[],
  action: (item: T) => Promise<R>,
  atOnce = Number.POSITIVE_INFINITY,
): Promise<R[]> {
  const ended = await settleAll(items, action, atOnce)
  const mistakes = ended.flatMap((each) => (each.status === 'rejected' ? [asMistake(each.reason)] : []))
  const [first, ...others] = mistakes
  if (first) {
    const more = [first.hint, ...others.flatMap(({ message, hint }) => [message, hint])].filter(
      (line) => line !== undefined,
    )
    throw new UserError(first.message, more.join('\n') || undefined)
  }
  return ended.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
}

async function settleAll<T, R>(
  items: readonly T[],
  action: (item: T) => Promise<R>,
  atOnce: number,
): Promise<PromiseSettledResult<R>[]> {
  const ended: PromiseSettledResult<R>[] = []
  const waiting = items.entries()
  const work = async (): Promise<void> => {
    for (const [index, item] of waiting) {
      const [result] = await Promise.allSettled([action(item)])
      ended[index] = result
    }
  }
  await Promise.all(Array.from({ length: Math.min(items.length, atOnce) }, work))
  return ended
}

function asMistake(error: unknown): UserError {
  if (error instanceof UserError) return error
  throw error
}
