import type { ExecutorKind } from '@millrace/engine'
import { CancelledError } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { double, fail, nap, note, polite } from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf, until } from '../../../until.ts'
import { complete, failing, run, type Stage } from '../stage.ts'

export function futures(_kind: ExecutorKind, stage: () => Stage): void {
  it('gives a future that can be awaited later, more than once', async () => {
    const result = await complete(stage(), async () => {
      const futures = [1, 2, 3].map((x) => double.submit(x))
      return [...(await Promise.all(futures)), await futures[0]]
    })
    expect(result).toEqual([2, 4, 6, 2])
  })

  it('waits for a submitted call that nobody awaits', async () => {
    const file = stage().file()
    await complete(stage(), () => void note.submit(file, 'by itself'))
    expect(linesOf(file)).toEqual(['by itself'])
  })

  it('fails the run when a call that nobody awaits fails', async () => {
    expect((await failing(stage(), () => void fail.submit('unseen'))).message).toBe('unseen')
  })

  it('leaves it to the flow when a failed call is awaited and caught', async () => {
    const result = await complete(stage(), async () => {
      const future = fail.submit('seen')
      return future.catch((error: Error) => error.message)
    })
    expect(result).toBe('seen')
  })

  it('cancels one running call and leaves the others alone', async () => {
    const file = stage().file()
    const result = await complete(stage(), async () => {
      const cancelled = polite.submit(20_000, file)
      const kept = double.submit(4)
      await until(() => linesOf(file).includes('started'))
      cancelled.cancel('changed my mind')
      const error = await cancelled.catch((error: Error) => error)
      return { error, kept: await kept }
    })
    expect(result.error).toBeInstanceOf(CancelledError)
    expect((result.error as Error).message).toBe('changed my mind')
    expect(result.kept).toBe(8)
    await until(() => linesOf(file).includes('stopped'))
  })

  it('cancels a waiting call, which then never starts', async () => {
    const [file, done] = [stage().file(), stage().file()]
    await complete(stage(), async () => {
      const one = nap.limit(1)
      const first = one.submit(60, file, 'first')
      const second = one.submit(0, file, 'second')
      second.cancel()
      await expect(second).rejects.toThrow(CancelledError)
      await first
      await note(done, 'went on')
    })
    expect(linesOf(file)).toEqual(['first'])
    expect(linesOf(done)).toEqual(['went on'])
  })

  it('cancels calls before they are handed over', async () => {
    const file = stage().file()
    await complete(stage(), async () => {
      const futures = Array.from({ length: 50 }, (_, i) => note.submit(file, `call ${i}`))
      for (const future of futures) future.cancel()
      const settled = await Promise.allSettled(futures)
      expect(settled.every(({ status }) => status === 'rejected')).toBe(true)
    })
    expect(linesOf(file)).toEqual([])
  })

  it('does not fail the run because of a call that the flow cancelled', async () => {
    const { run: ended } = await run(stage(), () => nap.submit(10_000).cancel())
    expect(ended.state).toBe('Completed')
  })
}
