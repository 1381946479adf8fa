import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { failOn, ioNap, note, timedNap } from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf } from '../../../until.ts'
import { complete, type Stage } from '../stage.ts'

export function limits(kind: ExecutorKind, stage: () => Stage): void {
  it('runs no more items of a map at once than its limit', async () => {
    const spans = await complete(stage(), () => ioNap.limit(3).map(Array(12).fill(25)))
    expect(mostAtOnce(spans)).toBeLessThanOrEqual(3)
    expect(mostAtOnce(spans)).toBeGreaterThan(1)
  })

  it('counts all calls of a task against its limit, however they are made', async () => {
    const spans = await complete(stage(), async () => {
      const limited = ioNap.limit(2)
      const map = limited.map(Array(6).fill(20)).then((all) => all)
      return [...(await Promise.all(Array.from({ length: 6 }, () => limited.submit(20)))), ...(await map)]
    })
    expect(spans).toHaveLength(12)
    expect(mostAtOnce(spans)).toBeLessThanOrEqual(2)
  })

  it('keeps the stricter limit of two for the same task', async () => {
    const [strict, loose] = await complete(stage(), async () => {
      const loose = ioNap.limit(4).map(Array(8).fill(20))
      const strict = ioNap.limit(1).map(Array(4).fill(20))
      const both = await Promise.all([strict.then((all) => all), loose.then((all) => all)])
      return both
    })
    expect(mostAtOnce(strict)).toBe(1)
    expect(mostAtOnce(loose)).toBeLessThanOrEqual(4)
  })

  it('lets the next call start when one fails', async () => {
    const settled = await complete(stage(), () => failOn.limit(1).mapSettled([1, 2, 3, 4], 2))
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  })

  it('runs calls that wait for the network side by side on one thread', async () => {
    // Long enough that the last of them begins before the first is over, on a busy machine too.
    const nap = 1000
    const began = Date.now()
    const spans = await complete(stage(), () => ioNap.map(Array(40).fill(nap)), { slots: 1 })
    expect(mostAtOnce(spans)).toBeGreaterThanOrEqual(20)
    expect(Date.now() - began).toBeLessThan(40 * nap * 0.5)
  })

  it('runs calls of higher priority first', async () => {
    const file = stage().file()
    await complete(stage(), async () => {
      // Keeps every slot busy while the others are put in line.
      const busy = timedNap.map(Array(4).fill(150)).then(() => {})
      await new Promise((resolve) => setTimeout(resolve, 50))
      const low = note.map(Array(30).fill(file), 'low').then(() => {})
      const high = note.with({ priority: 5 }).map(Array(5).fill(file), 'high')
      await Promise.all([busy, low, high])
    })
    const lines = linesOf(file)
    expect(lines).toHaveLength(35)
    if (kind !== 'inline') expect(lines.slice(0, 8).filter((line) => line === 'high').length).toBeGreaterThanOrEqual(4)
  })
}

/** How many of these spans overlap at most. */
function mostAtOnce(spans: readonly (readonly [number, number])[]): number {
  const changes = spans.flatMap(([began, ended]) => [
    [began, 1],
    [ended, -1],
  ]) as [number, number][]
  changes.sort(([a, x], [b, y]) => a - b || x - y)
  let now = 0
  let most = 0
  for (const [, change] of changes) {
    now += change
    most = Math.max(most, now)
  }
  return most
}
