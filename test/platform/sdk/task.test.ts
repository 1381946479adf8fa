import { describe, expect, it } from 'vitest'
import { type Settled, skip, task, taskNamed } from '../../../platform/sdk/index.ts'
import { withScope } from '../../../platform/sdk/scope.ts'
import { failureOf, mistakeOf } from './failure.ts'
import { testScope } from './scope.ts'

describe('a task outside of runs', () => {
  it('is the function it was made from', async () => {
    const add = task('add', async (a: number, b?: number) => a + (b ?? 1))
    expect(await add(1)).toBe(2)
    expect(await add(1, 2)).toBe(3)
  })

  it('may be a function that is not async', async () => {
    expect(await task('plain', (text: string) => text.length)('four')).toBe(4)
  })

  it('hands over what it is given, not a copy', async () => {
    const given = { list: [1] }
    expect(await task('same', async (value: { list: number[] }) => value)(given)).toBe(given)
  })

  it('throws what its function throws', async () => {
    const failure = new RangeError('too far')
    const fail = task('fail', { retries: 3 }, async (): Promise<void> => {
      throw failure
    })
    expect(await failureOf(() => fail())).toBe(failure)
    expect(await failureOf(() => fail.submit())).toBe(failure)
  })

  it('makes an error of whatever else is thrown', async () => {
    const odd = task('odd', async (): Promise<void> => {
      throw 'just text'
    })
    expect((await failureOf(() => odd())).message).toBe('just text')
  })

  it('runs in place inside another task', async () => {
    const inner = task('inner', async (x: number) => x + 1)
    const outer = task('outer', async (x: number) => (await inner.map([x, x])).concat(await inner(x)))
    expect(await withScope(testScope({ task: 'outer' }), () => outer(1))).toEqual([2, 2, 2])
  })

  it('starts at once when submitted, and is awaited later', async () => {
    const started: number[] = []
    const slow = task('slow', async (x: number) => {
      started.push(x)
      return x * 2
    })
    const futures = [1, 2, 3].map((x) => slow.submit(x))
    expect(started).toEqual([1, 2, 3])
    expect(await Promise.all(futures)).toEqual([2, 4, 6])
  })

  it('may be submitted and fail without ending the process', async () => {
    const fail = task('fail-unseen', async (): Promise<void> => {
      throw new Error('nobody looks')
    })
    fail.submit()
    await new Promise((resolve) => setTimeout(resolve, 5))
  })
})

describe('a task that skips', () => {
  const even = task('even', async (x: number) => (x % 2 === 0 ? x : skip(`${x} is odd`)))

  it('gives undefined', async () => {
    expect(await even(1)).toBeUndefined()
    expect(await even(2)).toBe(2)
  })

  it('does not stop a map, and says why in the settled one', async () => {
    expect(await even.map([1, 2])).toEqual([undefined, 2])
    expect(await even.mapSettled([1, 2])).toEqual([
      { status: 'skipped', reason: '1 is odd' },
      { status: 'fulfilled', value: 2 },
    ] satisfies Settled<number | undefined>[])
  })
})

describe('the definition of a task', () => {
  it('has a default for every option', () => {
    expect(task('defaults', async () => 1).definition.options).toEqual({
      retries: 0,
      retryDelay: 1000,
      backoff: 'fixed',
      timeout: undefined,
      cache: undefined,
      labels: [],
      memory: undefined,
      limit: Number.POSITIVE_INFINITY,
      io: false,
      priority: 0,
    })
  })

  it('has units read', () => {
    const { options } = task(
      'units',
      { retryDelay: '5 seconds', timeout: '10 minutes', memory: '4 GiB', cache: { for: '1 day', key: 'v2' } },
      async () => 1,
    ).definition
    expect(options).toMatchObject({
      retryDelay: 5000,
      timeout: 600_000,
      memory: 4_294_967_296,
      cache: { for: 86_400_000, key: 'v2' },
    })
  })

  it.each([
    [{ retries: -1 }, 'task t: retries: expected a whole number, 0 or more, got -1'],
    [{ retries: 1.5 }, 'task t: retries: expected a whole number, 0 or more, got 1.5'],
    [{ retries: Number.NaN }, 'task t: retries: expected a whole number, 0 or more, got NaN'],
    [{ retries: Number.POSITIVE_INFINITY }, 'task t: retries: expected a whole number, 0 or more, got Infinity'],
    [{ limit: 0 }, 'task t: limit: expected a whole number, 1 or more, got 0'],
    [{ limit: 2.5 }, 'task t: limit: expected a whole number, 1 or more, got 2.5'],
    [{ priority: 0.5 }, /^task t: priority: expected a whole number/],
    [{ timeout: 'soon' }, 'task t: timeout: expected a length of time such as "10 minutes", got "soon"'],
    [{ timeout: 5000 }, 'task t: timeout: expected a length of time such as "10 minutes", got "5000"'],
    [{ retryDelay: '1 moment' }, /^task t: retryDelay: expected a length of time/],
    [{ cache: { for: 'ever' } }, /^task t: cache: expected a length of time/],
    [{ memory: '4 gigs' }, 'task t: memory: expected an amount of memory such as "4 GiB", got "4 gigs"'],
    [{ backoff: 'linear' }, 'task t: backoff: expected "fixed" or "exponential", got "linear"'],
    [{ labels: 'gpu' }, 'task t: labels: expected a list of texts, got "gpu"'],
  ])('with %j is refused, by name and field', async (options, expected) => {
    const mistake = await mistakeOf(() => task('t', options as object, async () => 1))
    if (typeof expected === 'string') expect(mistake).toBe(expected)
    else expect(mistake).toMatch(expected)
  })

  it.each(['', 'two words', 'a/b', 'ü', 'x'.repeat(101)])('may not be named %j', async (name) => {
    expect(await mistakeOf(() => task(name, async () => 1))).toBe(
      `task "${name}": a name is made of letters, digits, "_", "-", "." and ":", 100 at most`,
    )
  })

  it('needs a function', async () => {
    expect(await mistakeOf(() => task('no-function', {} as never))).toBe(
      'task no-function: expected a function as the last argument',
    )
    expect(await mistakeOf(() => task('no-function', {}, undefined as never))).toContain('expected a function')
  })

  it('is found by name, unless two tasks bear it', async () => {
    const { definition } = task('alone', async () => 1)
    expect(taskNamed('alone')).toBe(definition)
    task('twice', async () => 1)
    task('twice', async () => 2)
    expect(await mistakeOf(() => taskNamed('twice'))).toBe(
      'there are two tasks named "twice": give one of them another name',
    )
    expect(await mistakeOf(() => taskNamed('never'))).toBe('there is no task named "never" in this flow')
  })
})

describe('with() and limit()', () => {
  it('make another task of the same name and function, and leave the first as it is', async () => {
    const first = task('variant', { retries: 1, timeout: '1 minute' }, async (x: number) => x + 1)
    const second = first.with({ retries: 5 })
    const third = second.limit(2)
    expect(first.definition.options).toMatchObject({ retries: 1, timeout: 60_000, limit: Number.POSITIVE_INFINITY })
    expect(second.definition.options).toMatchObject({ retries: 5, timeout: 60_000, limit: Number.POSITIVE_INFINITY })
    expect(third.definition.options).toMatchObject({ retries: 5, timeout: 60_000, limit: 2 })
    expect([first.definition.name, third.definition.name]).toEqual(['variant', 'variant'])
    expect(await third(1)).toBe(2)
    expect(taskNamed('variant')).toBe(first.definition)
  })

  it('check their options', async () => {
    const first = task('checked', async () => 1)
    expect(await mistakeOf(() => first.with({ retries: -1 }))).toContain('task checked: retries')
    expect(await mistakeOf(() => first.limit(0))).toContain('task checked: limit')
  })
})
