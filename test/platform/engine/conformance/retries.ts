import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { double, failTimes } from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf } from '../../../until.ts'
import { complete, failing, type Line, run, type Stage } from '../stage.ts'

export function retries(_kind: ExecutorKind, stage: () => Stage): void {
  it('tries a failed call again until it succeeds, and counts its attempts', async () => {
    const file = stage().file()
    const { run: ended, result, lines } = await run(stage(), () => failTimes(file, 2))
    expect(result).toBe(3)
    expect(await stage().store.taskRuns(ended.id)).toMatchObject([{ state: 'Completed', attempt: 3 }])
    const warnings = lines.filter(({ level, source }) => level === 'warn' && source === 'engine')
    expect(warnings.map(({ message }) => message)).toEqual([
      'task fail-times-0 failed: attempt 1 failed; retry 1 of 3 in 20 ms',
      'task fail-times-0 failed: attempt 2 failed; retry 2 of 3 in 20 ms',
    ])
  })

  it('gives up after the last retry with the last error', async () => {
    const file = stage().file()
    const error = await failing(stage(), () => failTimes(file, 100))
    expect(error.message).toBe('attempt 4 failed')
    expect(linesOf(file)).toHaveLength(4)
  })

  it('waits the same time before each retry', async () => {
    const file = stage().file()
    const { lines } = await run(stage(), () => failTimes.with({ retryDelay: '120 ms' })(file, 2))
    expect(delaysIn(lines)).toEqual(['120 ms', '120 ms'])
    for (const gap of gapsOf(linesOf(file).map(Number))) expect(gap).toBeGreaterThanOrEqual(118)
  })

  it('doubles the wait where it is told to back off', async () => {
    const file = stage().file()
    const { lines } = await run(stage(), () => failTimes.with({ retryDelay: '60 ms', backoff: 'exponential' })(file, 3))
    expect(delaysIn(lines)).toEqual(['60 ms', '120 ms', '240 ms'])
    const [first = 0, second = 0, third = 0] = gapsOf(linesOf(file).map(Number))
    expect(first).toBeGreaterThanOrEqual(58)
    expect(second).toBeGreaterThanOrEqual(118)
    expect(third).toBeGreaterThanOrEqual(238)
  })

  it('runs other calls while one waits for its retry', async () => {
    const [failing, good] = [stage().file(), stage().file()]
    const order: string[] = []
    await complete(stage(), async () => {
      await double.map([1, 2, 3, 4])
      const slow = failTimes
        .with({ retryDelay: '600 ms' })(failing, 1)
        .then(() => order.push('retried'))
      const quick = failTimes(good, 0).then(() => order.push('other'))
      await Promise.all([slow, quick])
    })
    expect(order).toEqual(['other', 'retried'])
  })
}

/** The waits that the engine announced. */
function delaysIn(lines: readonly Line[]): (string | undefined)[] {
  return lines.filter(({ level }) => level === 'warn').map(({ message }) => / in (.+)$/.exec(message)?.[1])
}

function gapsOf(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? 0))
}
