import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { double } from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, type Stage } from '../stage.ts'

export function scale(_kind: ExecutorKind, stage: () => Stage): void {
  it('runs 20,000 items of a generator with a bounded number under way', async () => {
    let asked = 0
    let taken = 0
    let mostAhead = 0
    function* numbers() {
      for (let i = 0; i < 20_000; i++) {
        asked++
        mostAhead = Math.max(mostAhead, asked - taken)
        yield i
      }
    }
    const sum = await complete(stage(), async () => {
      let sum = 0
      for await (const { value } of double.limit(1000).map(numbers())) {
        sum += value
        taken++
      }
      return sum
    })
    expect(sum).toBe(20_000 * 19_999)
    expect(mostAhead).toBeLessThanOrEqual(2100)
  })
}
