import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { configFor, currentRun, flow, task } from '../../../platform/sdk/index.ts'
import { withScope } from '../../../platform/sdk/scope.ts'
import { failureOf, mistakeOf } from './failure.ts'
import { testScope } from './scope.ts'

beforeEach(() => {
  vi.stubEnv('MILLRACE_ENV', undefined)
})
afterEach(() => vi.unstubAllEnvs())

describe('a flow called as a function', () => {
  it('runs here and now, its tasks in place', async () => {
    const double = task('flow-double', async (x: number) => 2 * x)
    const sum = flow({ name: 'sum', params: z.object({ upTo: z.int() }) }, async ({ upTo }) => {
      const doubled = await double.map(Array.from({ length: upTo }, (_, index) => index + 1))
      return doubled.reduce((a, b) => a + b, 0)
    })
    expect(await sum({ upTo: 3 })).toBe(12)
  })

  it('may be of a function that is not async', async () => {
    expect(await flow({ name: 'plain' }, () => 'done')()).toBe('done')
  })

  it('throws what its function throws', async () => {
    const failure = new RangeError('too far')
    const fail = flow({ name: 'fail' }, () => {
      throw failure
    })
    expect(await failureOf(() => fail())).toBe(failure)
  })

  it('knows its run', async () => {
    vi.stubEnv('MILLRACE_ENV', 'prod')
    const curious = flow({ name: 'curious', params: z.object({ a: z.int() }) }, (_, run) => [run, currentRun()])
    const [given, current] = await curious({ a: 1 })
    expect(given).toBe(current)
    expect(given).toMatchObject({ flow: 'curious', env: 'prod', attempt: 1, params: { a: 1 } })
  })

  it('inside of another flow is part of that run, with its own parameters and settings', async () => {
    const inner = flow(
      { name: 'inner', params: z.object({ x: z.int() }), config: { dev: { sink: 'inner-sink' } } },
      ({ x }, run) => ({ x, sink: run.config.sink, run }),
    )
    const outer = flow({ name: 'outer', config: { dev: { sink: 'outer-sink' } } }, async (_, run) => ({
      inner: await inner({ x: 1 }),
      run,
      after: currentRun(),
    }))
    const result = await withScope(testScope(), () => outer())
    expect(result.inner).toMatchObject({ x: 1, sink: 'inner-sink' })
    expect(result.inner.run).toMatchObject({ id: 'run-1', name: 'test-1', params: { x: 1 } })
    expect(result.run).toMatchObject({ id: 'run-1', config: { sink: 'outer-sink' } })
    expect(result.after).toBe(result.run)
  })
})

it('there is no current run outside of flows', async () => {
  expect((await failureOf(() => currentRun())).message).toContain('there is no current run')
})

describe('the name of a run', () => {
  it('is made by the flow, from its parameters', () => {
    const named = flow(
      { name: 'named', params: z.object({ water: z.array(z.int()) }), runName: (p) => `named_${p.water.join('_')}` },
      () => 1,
    )
    expect(named.definition.runName({ water: [1, 2] })).toBe('named_1_2')
  })

  it('is otherwise that of the flow and a few letters that differ', () => {
    const { definition } = flow({ name: 'unnamed' }, () => 1)
    const names = new Set(Array.from({ length: 50 }, () => definition.runName({})))
    expect(names.size).toBe(50)
    for (const name of names) expect(name).toMatch(/^unnamed-[a-z0-9]{6}$/)
  })
})

describe('the settings of a flow', () => {
  const { definition } = flow(
    { name: 'set', config: { dev: { sink: 'file:out' }, prod: { sink: 'gs://secret://set-bucket/out' } } },
    () => 1,
  )

  it('are those of the environment', async () => {
    expect(configFor(definition, 'dev')).toEqual({ sink: 'file:out' })
    const set = flow({ name: 'set-run', config: { dev: 'd', prod: 'p' } }, (_, run) => run.config)
    expect(await set()).toBe('d')
    vi.stubEnv('MILLRACE_ENV', 'prod')
    expect(await set()).toBe('p')
  })

  it('have their secrets resolved', () => {
    vi.stubEnv('SET_BUCKET', 'customer-4711')
    expect(configFor(definition, 'prod')).toEqual({ sink: 'gs://customer-4711/out' })
    expect(definition.options.config?.prod).toEqual({ sink: 'gs://secret://set-bucket/out' })
  })

  it.each(['staging', 'toString', '__proto__'])('are missing for %s', async (env) => {
    expect(await mistakeOf(() => configFor(definition, env))).toBe(
      `flow set: there is no config for the environment "${env}"\nIt has: dev, prod. Choose one with --env or MILLRACE_ENV.`,
    )
  })

  it('may be none', () => {
    expect(configFor(flow({ name: 'unset' }, () => 1).definition, 'anything')).toBeUndefined()
  })
})

describe('the description of a flow', () => {
  it.each(['', 'Predict', 'two words', '1st', '-a', 'a_b', 'a'.repeat(51)])('may not name it %j', async (name) => {
    expect(await mistakeOf(() => flow({ name }, () => 1))).toBe(
      `flow "${name}": a name starts with a letter and is made of lower-case letters, digits and "-", 50 at most`,
    )
  })

  it.each([
    [{ timeout: 'soon' }, /^flow f: timeout: expected a length of time/],
    [{ runOn: { memory: '16 gigs' } }, /^flow f: runOn\.memory: expected an amount of memory/],
    [{ workers: { count: 1, memory: '4' } }, /^flow f: workers\.memory: expected an amount of memory/],
  ])('with %j is refused, by field', async (options, expected) => {
    expect(await mistakeOf(() => flow({ name: 'f', ...(options as object) }, () => 1))).toMatch(expected)
  })

  it('needs a function', async () => {
    expect(await mistakeOf(() => flow({ name: 'f' }, undefined as never))).toBe(
      'flow f: expected a function as the second argument',
    )
  })

  it('has its timeout read', () => {
    expect(flow({ name: 'f', timeout: '8 hours' }, () => 1).definition.timeout).toBe(28_800_000)
    expect(flow({ name: 'f' }, () => 1).definition.timeout).toBeUndefined()
  })
})
