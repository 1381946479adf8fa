import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import {
  add,
  besides,
  changesShared,
  double,
  echo,
  failOn,
  nested,
  note,
  seesNew,
  timedNap,
} from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf } from '../../../until.ts'
import { complete, failing, run, type Stage } from '../stage.ts'

export function maps(_kind: ExecutorKind, stage: () => Stage): void {
  it('gives results in input order, whatever finishes first', async () => {
    const result = await complete(stage(), async () => {
      const times = await timedNap.map([60, 1, 30, 2])
      return times.map(([began, ended]) => Math.round((ended - began) / 10) * 10)
    })
    expect(result[0]).toBeGreaterThanOrEqual(60)
    expect(result[2]).toBeGreaterThanOrEqual(30)
    expect(result[1]).toBeLessThan(result[0] as number)
  })

  it('gives an empty list for an empty list', async () => {
    expect(await complete(stage(), () => double.map([]))).toEqual([])
    expect(await complete(stage(), () => double.mapSettled([]))).toEqual([])
  })

  it('runs one call and gives its result', async () => {
    expect(await complete(stage(), () => add(20, 22))).toBe(42)
  })

  it('takes items of a generator', async () => {
    function* numbers() {
      for (let i = 0; i < 300; i++) yield i
    }
    expect(await complete(stage(), () => double.map(numbers()))).toEqual(Array.from({ length: 300 }, (_, i) => 2 * i))
  })

  it('takes items of an async generator while it goes on making them', async () => {
    async function* numbers() {
      for (let i = 0; i < 20; i++) {
        await new Promise((resolve) => setTimeout(resolve, 1))
        yield i
      }
    }
    expect(await complete(stage(), () => double.map(numbers()))).toHaveLength(20)
  })

  it('fails with the error of a generator that fails', async () => {
    function* numbers() {
      yield 1
      throw new Error('no more numbers')
    }
    expect((await failing(stage(), () => double.map(numbers()))).message).toBe('no more numbers')
  })

  it('hands the shared arguments to every item', async () => {
    const shared = { name: 'all', list: [1, 2] }
    const result = await complete(stage(), () => besides.map([1, 2, 3], shared, 'second'))
    expect(result).toEqual([1, 2, 3].map((item) => [item, shared, 'second']))
  })

  it('decodes a shared argument once a thread', async () => {
    const result = await complete(stage(), () => seesNew.map(Array(200).fill(0), { once: 'only' }))
    expect(result.filter(Boolean).length).toBeLessThanOrEqual(2)
    expect(result.filter(Boolean).length).toBeGreaterThanOrEqual(1)
  })

  it('does not let one item change what another sees', async () => {
    const shared = { list: [1], inner: { a: 1 }, map: new Map([['a', 1]]), set: new Set([1]) }
    const [errors] = await complete(stage(), () => changesShared.map([1], shared))
    expect(errors).toEqual(Array(4).fill('TypeError'))
  })

  it('stops the rest when an item fails', async () => {
    const { result } = await run(stage(), async () => {
      const done: number[] = []
      const items = Array.from({ length: 2000 }, (_, i) => i)
      await failOn.map(items, 5).then(
        () => done.push(-1),
        (error: Error) => done.push(Number.parseInt(error.message, 10)),
      )
      return done
    })
    expect(result).toEqual([5])
  })

  it('starts no further items after one failed', async () => {
    const file = stage().file()
    const failure = await failing(stage(), () =>
      failOn
        .limit(1)
        .map([1, 2, 3, 4], 2)
        .then(() => note(file, 'went on')),
    )
    expect(failure.message).toBe('2 is bad')
    expect(linesOf(file)).toEqual([])
  })

  it('goes on past failed items where each is settled', async () => {
    const result = await complete(stage(), () => failOn.mapSettled([1, 2, 3], 2))
    expect(result.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(result[1]).toMatchObject({ reason: { message: '2 is bad' } })
    expect(result[2]).toMatchObject({ value: 3 })
  })

  it('runs the same call twice where it is made twice', async () => {
    const file = stage().file()
    const { run: ended } = await run(stage(), async () => {
      await note.map([file, file, file], 'again')
      await note(file, 'again')
    })
    expect(linesOf(file)).toHaveLength(4)
    const taskRuns = await stage().store.taskRuns(ended.id)
    expect(taskRuns.map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
  })

  it('runs two maps at once', async () => {
    const [a, b] = await complete(stage(), async () => {
      const first = double.map(Array.from({ length: 500 }, (_, i) => i))
      const second = echo.map(Array.from({ length: 500 }, (_, i) => `text ${i}`))
      return [await first, await second] as const
    })
    expect(a[499]).toBe(998)
    expect(b[499]).toBe('text 499')
  })

  it('runs a task that is called inside another as a part of it', async () => {
    const { run: ended, result } = await run(stage(), () => nested(5))
    expect(result).toEqual({ a: 10, b: 6, more: [2, 4, 6], skipped: undefined })
    expect(await stage().store.taskCounts(ended.id)).toEqual({ nested: { Completed: 1 } })
  })

  it('finishes a map that nobody waits for before the run completes', async () => {
    const file = stage().file()
    await complete(stage(), () => void note.map([file, file], 'by itself'))
    expect(linesOf(file)).toHaveLength(2)
  })

  it('fails the run when a map that nobody waits for fails', async () => {
    expect((await failing(stage(), () => void failOn.map([1, 2], 2))).message).toBe('2 is bad')
  })

  it('counts what became of the calls of each task', async () => {
    const { tallies, run: ended } = await run(stage(), () => failOn.mapSettled([1, 2, 3], 2))
    expect(tallies.get('fail-on')).toMatchObject({ total: 3, submitted: 3, running: 0, done: 2, failed: 1 })
    expect(await stage().store.taskCounts(ended.id)).toEqual({ 'fail-on': { Completed: 2, Failed: 1 } })
  })
}
