import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { flow, secret } from '../../../platform/sdk/index.ts'
import { mistakeOf } from './failure.ts'

const predict = flow(
  {
    name: 'predict',
    params: z.object({
      water: z.array(z.int().min(0)).default([]),
      model: z.enum(['pekel', 'ndwi']).default('pekel'),
      year: z.int().optional(),
      ratio: z.number().nullable().optional(),
      title: z.string().min(3).optional(),
      even: z
        .int()
        .refine((n) => n % 2 === 0, 'has to be even')
        .optional(),
      source: z.strictObject({ url: z.string(), tries: z.int().default(1) }).optional(),
      maps: z.record(z.string(), z.array(z.boolean())).optional(),
      either: z.union([z.int(), z.boolean()]).optional(),
      shape: z
        .discriminatedUnion('kind', [
          z.object({ kind: z.literal('circle'), r: z.number() }),
          z.object({ kind: z.literal('square'), a: z.number() }),
        ])
        .optional(),
      version: z.literal('v2').optional(),
    }),
  },
  (params) => params,
)

describe('the parameters of a flow', () => {
  it('are checked, and filled in', async () => {
    expect(await predict({ water: [1, 2], year: 2020 })).toEqual({ water: [1, 2], model: 'pekel', year: 2020 })
    expect(await predict()).toEqual({ water: [], model: 'pekel' })
  })

  it.each<[string, unknown, string]>([
    [
      'an unknown name',
      { wasser: [1] },
      /^there is no parameter "wasser"\nIt takes: water, model, year, ratio, .*\.$/ as never,
    ],
    ['text for a list', { water: 'x' }, 'parameter water: expected a list, got "x"'],
    ['text for a whole number', { water: [1, 2, 'x'] }, 'parameter water[2]: expected a whole number, got "x"'],
    ['a broken number', { year: 1.5 }, 'parameter year: expected a whole number, got 1.5'],
    ['no number', { year: Number.NaN }, 'parameter year: expected a whole number, got NaN'],
    ['null', { year: null }, 'parameter year: expected a whole number, got null'],
    ['a big int', { year: 20n }, 'parameter year: expected a whole number, got 20'],
    ['text where null is allowed', { ratio: 'x' }, 'parameter ratio: expected a number, got "x"'],
    ['a word that is none of the choices', { model: 'x' }, 'parameter model: expected one of "pekel", "ndwi", got "x"'],
    ['another word than the only one', { version: 'v1' }, 'parameter version: expected "v2", got "v1"'],
    ['a hole in an object', { source: {} }, 'parameter source.url: is required (text)'],
    [
      'text inside of an object',
      { source: { url: '', tries: 'x' } },
      'parameter source.tries: expected a whole number, got "x"',
    ],
    [
      'an unknown name in an object',
      { source: { url: '', key: 'k' } },
      'parameter source.key: there is no such key (known: url, tries)',
    ],
    ['text deep in a map', { maps: { rain: [true, 'x'] } }, 'parameter maps.rain[1]: expected true or false, got "x"'],
    ['neither of two kinds', { either: 'x' }, 'parameter either: expected a whole number or true or false, got "x"'],
    [
      'an unknown kind of object',
      { shape: { kind: 'cube' } },
      'parameter shape.kind: expected one of "circle", "square", got "cube"',
    ],
    ['what the author refuses', { even: 3 }, 'parameter even: has to be even, got 3'],
    ['too little', { water: [-1] }, /^parameter water\[0\]: Too small: .*, got -1$/ as never],
    ['too short a text', { title: 'x' }, /^parameter title: Too small: .*, got "x"$/ as never],
  ])('%s is refused, by name', async (_what, input, expected: string | RegExp) => {
    const mistake = (await mistakeOf(() => predict(input as never))).replace(/^flow predict: /, '')
    if (typeof expected === 'string') expect(mistake).toBe(expected)
    else expect(mistake).toMatch(expected)
  })

  it('that are missing say what they should be', async () => {
    const needy = flow(
      {
        name: 'needy',
        params: z.object({ count: z.int(), kind: z.enum(['a', 'b']), either: z.union([z.string(), z.number()]) }),
      },
      () => 1,
    )
    expect(await mistakeOf(() => needy({} as never))).toBe(
      [
        'flow needy: parameter count: is required (a whole number)',
        'flow needy: parameter kind: is required (one of "a", "b")',
        'flow needy: parameter either: is required (text or a number)',
      ].join('\n'),
    )
  })

  it('are named one by one where several are wrong', async () => {
    expect(await mistakeOf(() => predict({ year: 'x', water: ['y'] } as never))).toBe(
      [
        'flow predict: parameter water[0]: expected a whole number, got "y"',
        'flow predict: parameter year: expected a whole number, got "x"',
      ].join('\n'),
    )
  })

  it.each([
    [5, '5'],
    ['text', '"text"'],
    [[1], '[1]'],
  ])('as a whole are an object, not %j', async (input, got) => {
    expect(await mistakeOf(() => predict(input as never))).toBe(
      `flow predict: parameters: expected an object, got ${got}`,
    )
  })

  it('may be refused together', async () => {
    const span = flow(
      {
        name: 'span',
        params: z.object({ from: z.int(), to: z.int() }).refine((p) => p.from <= p.to, '"from" is after "to"'),
      },
      (p) => p,
    )
    expect(await mistakeOf(() => span({ from: 2, to: 1 }))).toBe('flow span: parameters: "from" is after "to"')
    expect(await mistakeOf(() => span({ from: 1, to: 2, by: 3 } as never))).toContain('there is no parameter "by"')
  })

  it('are known by name also where they are turned into something else', async () => {
    const turned = flow(
      { name: 'turned', params: z.object({ a: z.int() }).transform(({ a }) => ({ twice: 2 * a })) },
      (p) => p.twice,
    )
    expect(await turned({ a: 2 })).toBe(4)
    expect(await mistakeOf(() => turned({ b: 2 } as never))).toBe(
      'flow turned: there is no parameter "b"\nIt takes: a.',
    )
  })

  it('may be open', async () => {
    const open = flow({ name: 'open', params: z.looseObject({ a: z.int() }) }, (p) => p)
    expect(await open({ a: 1, more: 'x' })).toEqual({ a: 1, more: 'x' })
  })

  it('may be none', async () => {
    const none = flow({ name: 'none' }, () => 'done')
    expect(await none()).toBe('done')
    expect(await mistakeOf(() => none({ a: 1 } as never))).toBe('flow none: there is no parameter "a"\nIt takes none.')
  })

  it('are shown shortened and without secrets', async () => {
    vi.stubEnv('PARAMETER_KEY', 'sesame-open')
    secret('parameter-key')
    expect(await mistakeOf(() => predict({ year: `my sesame-open` } as never))).toBe(
      'flow predict: parameter year: expected a whole number, got "my [redacted]"',
    )
    const long = await mistakeOf(() => predict({ year: 'x'.repeat(10_000) } as never))
    expect(long.length).toBeLessThan(400)
    const circle: Record<string, unknown> = {}
    circle.self = circle
    expect(await mistakeOf(() => predict({ year: circle } as never))).toContain('expected a whole number, got [object')
    vi.unstubAllEnvs()
  })
})
