import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { double, fillBuffers, fillHeap, litter } from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, type Stage } from '../stage.ts'

export function memoryLimits(_kind: ExecutorKind, stage: () => Stage): void {
  it.each([
    ['on the heap', fillHeap],
    ['in buffers', fillBuffers],
  ] as const)(
    'ends a call that takes too much memory %s, says how much, and the slot goes on',
    async (_where, fill) => {
      const result = await complete(stage(), async () => {
        const error = await fill(400).catch((error: Error) => error)
        return [error, await double.map([1, 2, 3, 4])] as const
      })
      expect(result[0]).toMatchObject({ name: 'OutOfMemoryError' })
      const message = (result[0] as Error).message
      expect(message).toMatch(/^task fill-(heap|buffers) ran out of memory, limit 80\.0 MiB, peak \d+(\.\d)? MiB$/)
      expect(Number(/peak (\d+)/.exec(message)?.[1])).toBeGreaterThan(80)
      expect(result[1]).toEqual([2, 4, 6, 8])
    },
  )

  it('leaves a call alone that stays within its limit', async () => {
    expect(await complete(stage(), () => fillBuffers(30))).toBe(30)
  })

  it('does not count garbage', async () => {
    expect(await complete(stage(), () => litter(1500))).toBe(2 ** 20)
  })
}
