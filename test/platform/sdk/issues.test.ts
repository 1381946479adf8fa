import { describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { describeIssues, nearest, secret } from '../../../platform/sdk/index.ts'

const agent = z
  .strictObject({ launcher: z.enum(['vertex', 'cloud-run']), memory: z.string(), spot: z.boolean() })
  .partial()
const schema = z.strictObject({
  agents: z.record(z.string().regex(/^[a-z-]+$/, 'must be lower-case letters'), agent).optional(),
  schedule: z.union([z.literal('off'), z.strictObject({ cron: z.string(), runs: z.int().min(1) })]).optional(),
  shape: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('circle'), radius: z.number() }),
      z.strictObject({ kind: z.literal('square'), side: z.number() }),
    ])
    .optional(),
  tokens: z
    .record(z.string(), z.strictObject({ value: z.string().min(3) }))
    .meta({ writeOnly: true })
    .optional(),
  mail: z.strictObject({ host: z.string(), password: z.string().meta({ writeOnly: true }) }).optional(),
})

function lines(input: unknown): string[] {
  const result = schema.safeParse(input)
  const issues = result.error?.issues ?? []
  return describeIssues(schema, input, issues, (path) => `app:${path}`)
}

describe('what is wrong with a value', () => {
  it.each<[what: string, input: unknown, line: string]>([
    ['a value of another type', { agents: { a: { spot: 'x' } } }, 'app:agents.a.spot: expected true or false, got "x"'],
    [
      'none of the choices',
      { agents: { a: { launcher: 'vertx' } } },
      'app:agents.a.launcher: expected one of "vertex", "cloud-run", got "vertx"',
    ],
    ['a missing value', { mail: { password: 'abc' } }, 'app:mail.host: is required (text)'],
    ['the name of an entry', { agents: { A1: {} } }, 'app:agents.A1: the name is wrong: must be lower-case letters'],
    ['neither a word nor an object', { schedule: 'on' }, 'app:schedule: expected "off" or an object, got "on"'],
    ['a hole in the one choice that is meant', { schedule: { runs: 1 } }, 'app:schedule.cron: is required (text)'],
    [
      'too little in the one choice that is meant',
      { schedule: { cron: '', runs: 0 } },
      expect.stringMatching(/^app:schedule\.runs: Too small: .*, got 0$/),
    ],
    ['a list for an object', { agents: [] }, 'app:agents: expected an object, got []'],
  ])('is said by place: %s', (_what, input, line) => {
    expect(lines(input)).toEqual([line])
  })

  it('tells of an unknown key which there are, and the one that may be meant', () => {
    expect(lines({ agents: { a: { launchr: 'vertex', colour: 1 } } })).toEqual([
      'app:agents.a.launchr: there is no such key; did you mean "launcher"? (known: launcher, memory, spot)',
      'app:agents.a.colour: there is no such key (known: launcher, memory, spot)',
    ])
    expect(lines({ agnets: {} })).toEqual([
      'app:agnets: there is no such key; did you mean "agents"? (known: agents, schedule, shape, tokens, mail)',
    ])
    // Of the kind of object that is meant only: a square has no radius.
    expect(lines({ shape: { kind: 'square', side: 1, radius: 1 } })).toEqual([
      'app:shape.radius: there is no such key (known: kind, side)',
    ])
    expect(lines({ schedule: { cron: '', runs: 1, time: 1 } })).toEqual([
      'app:schedule.time: there is no such key (known: cron, runs)',
    ])
  })

  it('never shows what the schema marks as write-only, nor what holds such a thing', () => {
    const wrong: unknown[] = [
      { tokens: 'hunter2' },
      { tokens: ['hunter2'] },
      { tokens: { a: 'hunter2' } },
      { tokens: { a: { value: ['hunter2'] } } },
      { tokens: { a: { value: 'h2' } } },
      { mail: 'hunter2' },
      { mail: { host: 'x', password: ['hunter2'] } },
      [{ tokens: { a: { value: 'hunter2' } } }],
    ]
    for (const input of wrong) {
      const text = lines(input).join('\n')
      expect(text).toMatch(/^app:/)
      expect(text).not.toMatch(/hunter2|h2/)
    }
    expect(lines({ mail: { host: ['shown'], password: 'abc' } })).toEqual([
      'app:mail.host: expected text, got ["shown"]',
    ])
  })

  it('is free of secrets that were read, also of one that is cut', () => {
    vi.stubEnv('ISSUE_KEY', 'sesame-open')
    secret('issue-key')
    expect(lines({ mail: { host: 5, password: 'abc' }, agents: { a: { spot: 'sesame-open' } } })).toContain(
      'app:agents.a.spot: expected true or false, got "[redacted]"',
    )
    const [cut] = lines({ agents: { a: { spot: `${'x'.repeat(193)}sesame-open` } } })
    expect(cut).not.toContain('sesame')
    vi.unstubAllEnvs()
  })
})

it.each([
  ['launchr', 'launcher'],
  ['cron', 'cron'],
  ['corn', undefined],
  ['spt', 'spot'],
  ['', undefined],
])('the word nearest to "%s" is %s', (word, expected) => {
  expect(nearest(word, ['launcher', 'spot', 'cron', 'memory'])).toBe(expected)
})

it('of two near words the nearer one is meant', () => {
  expect(nearest('clustor', ['clusters', 'cluster'])).toBe('cluster')
})
