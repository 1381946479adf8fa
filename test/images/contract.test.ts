import { describe, expect, it } from 'vitest'
import { readContract } from '../../images/runtime/contract.ts'
import { mistakeOf } from '../platform/sdk/failure.ts'

describe('the run contract', () => {
  it('is what infra and the launchers tell a process', () => {
    const digest = 'a'.repeat(64)
    const version = 'projects/p/secrets/map-token/versions/3'
    expect(
      readContract({
        MILLRACE_ENV: 'prod',
        MILLRACE_DATABASE: 'postgres://db/millrace',
        MILLRACE_BUNDLE: `gs://bundles/hello/${digest}.mjs`,
        MILLRACE_LAUNCH: '2',
        MILLRACE_SLOTS: '4',
        MILLRACE_TASK_MEMORY: '2 GiB',
        MILLRACE_LABELS: 'gpu,fast',
        MILLRACE_DRAIN_SECONDS: '90',
        MILLRACE_CLUSTER: 'big',
        MILLRACE_SECRETS: JSON.stringify({ 'map-token': version }),
        SOMETHING: 'else',
      }),
    ).toEqual({
      MILLRACE_ENV: 'prod',
      MILLRACE_DATABASE: 'postgres://db/millrace',
      MILLRACE_BUNDLE: `gs://bundles/hello/${digest}.mjs`,
      MILLRACE_LAUNCH: 2,
      MILLRACE_SLOTS: 4,
      MILLRACE_TASK_MEMORY: 2 * 2 ** 30,
      MILLRACE_LABELS: ['gpu', 'fast'],
      MILLRACE_DRAIN_SECONDS: 90,
      MILLRACE_CLUSTER: 'big',
      MILLRACE_SECRETS: { 'map-token': version },
    })
  })

  it('takes what is empty for left out', () => {
    const nothing = readContract({})
    expect(readContract({ MILLRACE_SLOTS: '', MILLRACE_LABELS: '', MILLRACE_SECRETS: '' })).toEqual(nothing)
    expect(nothing).toEqual({
      MILLRACE_ENV: 'dev',
      MILLRACE_LABELS: [],
      MILLRACE_DRAIN_SECONDS: 600,
      MILLRACE_SECRETS: {},
    })
  })

  it.each([
    ['MILLRACE_SLOTS', 'many', 'must be a whole number, 1 or more, got "many"'],
    ['MILLRACE_SLOTS', '0', 'must be a whole number, 1 or more, got "0"'],
    ['MILLRACE_LAUNCH', '0', 'must be a whole number, 1 or more, got "0"'],
    ['MILLRACE_DRAIN_SECONDS', '-1', 'must be seconds, 0 or more, got "-1"'],
    ['MILLRACE_TASK_MEMORY', '2', 'must be an amount such as "2 GiB", got "2"'],
    ['MILLRACE_BUNDLE', 'hello.mjs', 'must be the URL of a bundle: gs://…/FLOW/SHA256.mjs, got "hello.mjs"'],
    [
      'MILLRACE_SECRETS',
      '{"a": 1}',
      'must be JSON: {"NAME": "projects/PROJECT/secrets/NAME/versions/1"}, got "{\\"a\\": 1}"',
    ],
  ])('refuses %s=%s', async (name, value, line) => {
    expect(await mistakeOf(() => readContract({ [name]: value }))).toBe(`${name}: ${line}`)
  })

  it('names all that is wrong', async () => {
    const text = await mistakeOf(() => readContract({ MILLRACE_SLOTS: 'x', MILLRACE_DRAIN_SECONDS: 'y' }))
    expect(text.split('\n')).toHaveLength(2)
  })
})
