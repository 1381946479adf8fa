import type { ExecutorKind } from '@millrace/engine'
import { TimeoutError } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { deafNap, double, ioNap, nap, polite, spin } from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf, until } from '../../../until.ts'
import { complete, failing, run, type Stage } from '../stage.ts'

const short = { timeout: '120 ms' } as const

export function timeouts(kind: ExecutorKind, stage: () => Stage): void {
  it('stops a call that takes too long, through its signal', async () => {
    const file = stage().file()
    const error = await failing(stage(), () => polite.with(short)(20_000, file))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error.message).toBe('task polite took longer than its timeout of 120 ms')
    await until(() => linesOf(file).includes('stopped'))
  })

  it('ends a call that ignores its signal, and the slot goes on', async () => {
    const began = Date.now()
    const result = await complete(stage(), async () => {
      const error = await deafNap
        .with(short)(20_000)
        .catch((error: Error) => error)
      return [error, await double.map([1, 2, 3, 4])] as const
    })
    expect(result[0]).toBeInstanceOf(TimeoutError)
    expect(result[1]).toEqual([2, 4, 6, 8])
    expect(Date.now() - began).toBeLessThan(5000)
  })

  it('counts a timeout as a failure that may be retried', async () => {
    const file = stage().file()
    const error = await failing(stage(), () => polite.with({ ...short, retries: 1, retryDelay: '1 ms' })(20_000, file))
    expect(error).toBeInstanceOf(TimeoutError)
    expect(linesOf(file).filter((line) => line === 'started')).toHaveLength(2)
  })

  it('gives a call its full time, however long it waited for its turn', async () => {
    const result = await complete(stage(), () => nap.with({ timeout: '1 second', limit: 1 }).map(Array(5).fill(250)))
    expect(result).toHaveLength(5)
  })

  it('ends the run when the flow takes longer than its timeout', async () => {
    const began = Date.now()
    const { run: ended, error } = await run(stage(), () => nap.map([20_000, 20_000]), { timeout: '200 ms' })
    expect(ended.state).toBe('Failed')
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error?.message).toMatch(/flow tasks took longer than its timeout of 200 ms/)
    expect(Date.now() - began).toBeLessThan(4000)
  })

  if (kind === 'inline') return

  it('ends a call that keeps its thread busy, and the slot goes on', async () => {
    const began = Date.now()
    const result = await complete(stage(), async () => {
      const all = await spin.with(short).mapSettled([20_000, 20_000, 20_000])
      return [all, await double.map([1, 2, 3, 4])] as const
    })
    for (const each of result[0]) expect(each).toMatchObject({ status: 'rejected', reason: { name: 'TimeoutError' } })
    expect(result[1]).toEqual([2, 4, 6, 8])
    expect(Date.now() - began).toBeLessThan(8000)
  })

  it('does not run calls again that share a thread with one that ignores its timeout', async () => {
    const file = stage().file()
    await complete(stage(), async () => {
      const deaf = deafNap.with({ ...short, io: true }).submit(20_000)
      const beside = Array.from({ length: 6 }, () => nap.with({ io: true }).submit(700, file, 'beside'))
      await expect(deaf).rejects.toThrow(TimeoutError)
      await Promise.all(beside)
      await ioNap(1)
    })
    expect(linesOf(file)).toHaveLength(6)
  })
}
