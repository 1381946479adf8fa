import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import type { SubmittedTask, TaskBatch, TaskRunner } from '../../../platform/sdk/index.ts'
import { skip, task } from '../../../platform/sdk/index.ts'
import { withScope } from '../../../platform/sdk/scope.ts'
import { settle } from '../../../platform/sdk/task.ts'
import { failureOf } from './failure.ts'
import { testScope } from './scope.ts'

const late = task('late', async (ms: number) => {
  await sleep(ms)
  return `after ${ms}`
})

describe('awaiting a map', () => {
  it('gives results in the order of the items, not of their ends', async () => {
    expect(await late.map([30, 1, 15])).toEqual(['after 30', 'after 1', 'after 15'])
  })

  it('hands the further arguments to each call', async () => {
    const join = task('join', async (item: string, separator: string, end = '.') => `${item}${separator}${end}`)
    expect(await join.map(['a', 'b'], '-', '!')).toEqual(['a-!', 'b-!'])
    expect(await join.map(['a'], '-')).toEqual(['a-.'])
  })

  it('takes sets, maps, texts, generators and async generators', async () => {
    const same = task('same', async (item: unknown) => item)
    async function* soon(): AsyncGenerator<number> {
      for (const item of [1, 2, 3]) {
        await sleep(1)
        yield item
      }
    }
    expect(await same.map(new Set([1, 2]))).toEqual([1, 2])
    expect(await same.map(new Map([['a', 1]]))).toEqual([['a', 1]])
    expect(await same.map('abc')).toEqual(['a', 'b', 'c'])
    expect(await same.map([1, 2].values())).toEqual([1, 2])
    expect(await same.map(soon())).toEqual([1, 2, 3])
    expect(await same.map([])).toEqual([])
    expect(await same.map([undefined, null])).toEqual([undefined, null])
  })

  it('says what it needs when it is given nothing to go through', async () => {
    const failure = await failureOf(() => late.map(undefined as never))
    expect(failure.name).toBe('UserError')
    expect(failure.message).toBe('task late: map: expected a list, or something else that gives items, got undefined')
    expect((await failureOf(() => late.mapSettled(5 as never))).message).toContain('got 5')
  })

  it('rejects with the first failure, and takes no more items', async () => {
    let taken = 0
    function* items(): Generator<number> {
      for (taken = 0; taken < 10_000; taken++) yield taken
    }
    const fail = task('fail-at-20', async (x: number) => {
      await sleep(1)
      if (x === 20) throw new RangeError('20 is too much')
    })
    expect((await failureOf(() => fail.map(items()))).message).toBe('20 is too much')
    const then = taken
    await sleep(20)
    expect(taken).toBe(then)
    expect(taken).toBeLessThan(100)
  })

  it('rejects when the items themselves fail', async () => {
    function* broken(): Generator<number> {
      yield 1
      throw new RangeError('no more items')
    }
    async function* brokenLater(): AsyncGenerator<number> {
      yield* broken()
    }
    expect((await failureOf(() => late.map(broken()))).message).toBe('no more items')
    expect((await failureOf(() => late.map(brokenLater()))).message).toBe('no more items')
    expect((await failureOf(() => late.mapSettled(broken()))).message).toBe('no more items')
  })

  it('may be done twice, and gives the same', async () => {
    const map = late.map([1])
    expect(await map).toBe(await map)
  })
})

describe('mapSettled', () => {
  it('goes on after failures, and says what became of each item', async () => {
    const failure = new Error('odd')
    const odd = task('odd-or-even', async (x: number) => {
      if (x === 3) return skip('three')
      if (x % 2 === 1) throw failure
      return x
    })
    expect(await odd.mapSettled([1, 2, 3, 4])).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'fulfilled', value: 2 },
      { status: 'skipped', reason: 'three' },
      { status: 'fulfilled', value: 4 },
    ])
  })
})

describe('iterating over a map', () => {
  it('gives each result as it comes, with the place of its item', async () => {
    const order: number[] = []
    for await (const { index, value } of late.map([40, 1, 20])) {
      order.push(index)
      expect(value).toBe(`after ${[40, 1, 20][index]}`)
    }
    expect(order).toEqual([1, 2, 0])
  })

  it('takes no more items, cancels those under way, and ends the generator when the loop is left', async () => {
    let closed = false
    function* items(): Generator<number> {
      try {
        for (let index = 0; ; index++) yield index
      } finally {
        closed = true
      }
    }
    const runner = new RecordingRunner(5)
    await withScope(testScope({ tasks: runner }), async () => {
      for await (const { index } of late.map(items())) if (index >= 3) break
    })
    await sleep(50)
    expect(closed).toBe(true)
    expect(new Set(runner.cancelled)).toEqual(new Set(['the flow took no more results of the map']))
    expect(runner.open).toBe(0)
  })

  it('throws at the first failure, after the results that came before it', async () => {
    const fail = task('fail-at-2', async (x: number) => {
      await sleep(x)
      if (x === 2) throw new RangeError('two')
      return x
    })
    const seen: number[] = []
    const failure = await failureOf(async () => {
      for await (const { value } of fail.map([0, 1, 2, 3])) {
        seen.push(value)
        await sleep(5)
      }
    })
    expect(failure.message).toBe('two')
    expect(seen).toEqual([0, 1])
  })

  it('can be done once', async () => {
    const map = late.map([1])
    for await (const _ of map);
    const again = 'the results of a map can be taken only once: await it, or iterate over it'
    expect((await failureOf(async () => Array.fromAsync(map))).message).toBe(again)
    expect((await failureOf(() => map)).message).toBe(again)
    const awaited = late.map([1])
    await awaited
    expect((await failureOf(async () => Array.fromAsync(awaited))).message).toBe(again)
  })

  it('never has more than a few windows of items taken and not yet given out', async () => {
    let taken = 0
    let given = 0
    let most = 0
    async function* items(): AsyncGenerator<number> {
      for (taken = 0; taken < 2000; taken++) {
        most = Math.max(most, taken - given)
        yield taken
      }
    }
    const quick = task('quick', async (x: number) => x)
    for await (const _ of quick.map(items())) {
      given++
      if (given % 100 === 0) await sleep(1)
    }
    expect(given).toBe(2000)
    expect(most).toBeLessThan(16 * 4)
  })

  it('goes over a million items in bounded memory', async () => {
    function* million(): Generator<{ at: number; weight: string }> {
      for (let at = 0; at < 1_000_000; at++) yield { at, weight: `item number ${at}` }
    }
    const double = task('double', (item: { at: number; weight: string }) => item.at * 2)
    const before = usedMemory()
    let sum = 0
    let count = 0
    let most = 0
    for await (const { value } of double.map(million())) {
      sum += value
      if (++count % 50_000 === 0) most = Math.max(most, usedMemory())
    }
    expect(sum).toBe(999_999_000_000)
    // A million results, kept, are more than 100 MB.
    expect(most - before).toBeLessThan(20 * 2 ** 20)
  })
})

describe('limit', () => {
  it('keeps to so many calls at once', async () => {
    let going = 0
    let most = 0
    const count = task('count', async () => {
      most = Math.max(most, ++going)
      await sleep(2)
      going--
    })
    await count.limit(3).map(Array(20))
    expect(most).toBe(3)
    most = 0
    await count.map(Array(20))
    expect(most).toBe(16)
  })
})

describe('a map in a run', () => {
  it('tells the runner its total, its shared values once, and when no more items follow', async () => {
    const runner = new RecordingRunner(4)
    const add = task('add-shared', async (x: number, y: number) => x + y)
    await withScope(testScope({ tasks: runner }), async () => {
      expect(await add.map([1, 2, 3], 10)).toEqual([11, 12, 13])
      expect(await add.map(new Set([1]).values(), 20)).toEqual([21])
    })
    expect(runner.batches).toEqual([
      { shared: [10], total: 3 },
      { shared: [20], total: undefined },
    ])
    expect(runner.open).toBe(0)
  })

  it('closes its batch when the items fail', async () => {
    const runner = new RecordingRunner(4)
    function* broken(): Generator<number> {
      yield 1
      throw new RangeError('no more items')
    }
    await withScope(testScope({ tasks: runner }), () => failureOf(() => late.map(broken())))
    await sleep(5)
    expect(runner.open).toBe(0)
  })

  it('keeps to the window of the runner', async () => {
    const runner = new RecordingRunner(7)
    await withScope(testScope({ tasks: runner }), () => late.map(Array(30).fill(1)))
    expect(runner.mostGoing).toBe(7)
  })

  it('cancels the others when one fails', async () => {
    const runner = new RecordingRunner(4)
    const fail = task('fail-at-0', async (x: number) => {
      if (x === 0) throw new Error('zero')
      await sleep(50)
    })
    await withScope(testScope({ tasks: runner }), () => failureOf(() => fail.map([1, 2, 0, 3])))
    expect(runner.cancelled).toEqual(Array(3).fill('another item of the same map failed'))
  })
})

/** Runs tasks in place and notes what it was told. */
class RecordingRunner implements TaskRunner {
  readonly window: number
  readonly batches: { shared: readonly unknown[]; total: number | undefined }[] = []
  readonly cancelled: (string | undefined)[] = []
  open = 0
  mostGoing = 0
  private going = 0

  constructor(window: number) {
    this.window = window
  }

  submit(...[definition, args, batch]: Parameters<TaskRunner['submit']>): SubmittedTask {
    this.mostGoing = Math.max(this.mostGoing, ++this.going)
    const settled = settle(() => definition.body(...args, ...(batch?.shared ?? []))).finally(() => this.going--)
    let isCancelled = false
    const cancel = (reason?: string): void => {
      if (!isCancelled) this.cancelled.push(reason)
      isCancelled = true
    }
    return { settled, observed: false, cancel }
  }

  batch(...[, shared, total]: Parameters<TaskRunner['batch']>): TaskBatch {
    this.batches.push({ shared, total })
    this.open++
    return { shared, observed: false, close: () => this.open-- }
  }
}

/** Bytes of the heap that are in use: without what waits for the garbage collector, which is another number each time. */
function usedMemory(): number {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
  return process.memoryUsage().heapUsed
}
