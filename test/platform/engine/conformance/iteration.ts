import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { double, failOn, nap } from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf, until } from '../../../until.ts'
import { complete, failing, run, type Stage } from '../stage.ts'

export function iteration(_kind: ExecutorKind, stage: () => Stage): void {
  it('gives each result as it comes, with its place', async () => {
    const found = await complete(stage(), async () => {
      const found = new Map<number, number>()
      for await (const { index, value } of double.map([10, 20, 30])) found.set(index, value)
      return found
    })
    expect([...found].sort()).toEqual([
      [0, 20],
      [1, 40],
      [2, 60],
    ])
  })

  it('gives a quick result before a slow one that was started earlier', async () => {
    const order = await complete(stage(), async () => {
      const order: number[] = []
      for await (const { index } of nap.map([400, 1])) order.push(index)
      return order
    })
    expect(order).toEqual([1, 0])
  })

  it('cancels the rest when the loop is left early', async () => {
    const file = stage().file()
    const { run: ended, tallies } = await run(stage(), async () => {
      for await (const _ of nap.map([1, ...Array(40).fill(20_000)], file)) break
    })
    expect(ended.state).toBe('Completed')
    expect(tallies.get('nap')).toMatchObject({ running: 0, done: 1 })
    expect(linesOf(file).length).toBeLessThanOrEqual(41)
    const counts = await stage().store.taskCounts(ended.id)
    expect(counts.nap?.Pending ?? 0).toBe(0)
    expect(counts.nap?.Running ?? 0).toBe(0)
  })

  it('asks for no more items than it may have under way', async () => {
    let asked = 0
    function* endless() {
      for (;;) yield asked++
    }
    const taken = await complete(stage(), async () => {
      let taken = 0
      for await (const _ of double.limit(10).map(endless())) {
        if (++taken === 100) break
        expect(asked - taken).toBeLessThanOrEqual(30)
      }
      return taken
    })
    expect(taken).toBe(100)
  })

  it('stops the loop with the error of an item', async () => {
    const failure = await failing(stage(), async () => {
      for await (const _ of failOn.map([1, 2, 3], 3));
    })
    expect(failure.message).toBe('3 is bad')
  })

  it('takes the results of a map once only', async () => {
    const failure = await failing(stage(), async () => {
      const map = double.map([1, 2])
      for await (const _ of map);
      await map
    })
    expect(failure.message).toMatch(/only once/)
  })

  it('ends a generator that is waiting when the loop is left', async () => {
    let ended = false
    async function* slow() {
      try {
        for (let i = 0; ; i++) {
          yield i
          if (i > 0) await new Promise((resolve) => setTimeout(resolve, 100))
        }
      } finally {
        ended = true
      }
    }
    await complete(stage(), async () => {
      for await (const _ of double.map(slow())) break
    })
    await until(() => ended)
  })
}
