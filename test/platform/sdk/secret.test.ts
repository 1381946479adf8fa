import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hideSecrets, redact, redactDeep, resolveSecrets, secret } from '../../../platform/sdk/index.ts'
import { shared } from '../../../platform/sdk/scope.ts'
import { mistakeOf } from './failure.ts'

beforeEach(() => {
  shared.secrets.clear()
  vi.stubEnv('DB_PASSWORD', 's3same$&.*')
  vi.stubEnv('API_TOKEN', 'token-4711')
  vi.stubEnv('PIN', '123')
})
afterEach(() => vi.unstubAllEnvs())

describe('secret()', () => {
  it('is the value of the environment variable of that name', () => {
    expect(secret('db-password')).toBe('s3same$&.*')
  })

  it('names the variable when it is not set', async () => {
    expect(await mistakeOf(() => secret('no-such-thing'))).toBe(
      'secret no-such-thing is not set\nSet the environment variable NO_SUCH_THING, or put it in .env.',
    )
  })

  it.each(['', 'DB_PASSWORD', 'db password', '-x', 'a/b'])('does not take the name %j', async (name) => {
    expect(await mistakeOf(() => secret(name))).toBe(
      `secret "${name}": a name is made of lower-case letters, digits and "-"`,
    )
  })

  it('is read from .env where the environment does not have it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-env-'))
    await writeFile(join(folder, '.env'), '# ours\nFROM_FILE="two words"\nFROM_BOTH=file\n')
    const sdk = new URL('../../../platform/sdk/index.ts', import.meta.url).href
    const script = `import { secret } from '${sdk}'; console.log(JSON.stringify([secret('from-file'), secret('from-both')]))`
    const run = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      env: { ...process.env, FROM_BOTH: 'environment' },
    })
    expect(JSON.parse(run.stdout)).toEqual(['two words', 'environment'])
    await rm(folder, { recursive: true })
  })
})

describe('references', () => {
  it('are resolved at any depth, and inside of longer text', () => {
    const given = {
      url: 'postgres://app:secret://db-password@host/db',
      list: ['secret://api-token', { deep: 'secret://api-token' }],
      map: new Map([['key', 'secret://api-token']]),
      set: new Set(['secret://api-token']),
      other: [1, true, null, undefined, 5n],
    }
    expect(resolveSecrets(given)).toEqual({
      url: 'postgres://app:s3same$&.*@host/db',
      list: ['token-4711', { deep: 'token-4711' }],
      map: new Map([['key', 'token-4711']]),
      set: new Set(['token-4711']),
      other: [1, true, null, undefined, 5n],
    })
    expect(given.list[0]).toBe('secret://api-token')
  })

  it('may stand several in one text, and next to each other', () => {
    expect(resolveSecrets('secret://api-token:secret://pin/secret://pin.')).toBe('token-4711:123/123.')
  })

  it('leave dates, bytes and instances as they are', () => {
    const instance = new (class Thing {
      name = 'secret://api-token'
    })()
    const given = { date: new Date(0), bytes: Uint8Array.of(1), instance }
    const resolved = resolveSecrets(given)
    expect(resolved.date).toBe(given.date)
    expect(resolved.bytes).toBe(given.bytes)
    expect(resolved.instance).toBe(instance)
  })

  it('to a secret that is not set, or misspelt, are mistakes', async () => {
    expect(await mistakeOf(() => resolveSecrets({ a: ['x secret://unset y'] }))).toContain('secret unset is not set')
    expect(await mistakeOf(() => resolveSecrets('secret://DB_PASSWORD'))).toContain('secret "DB_PASSWORD": a name is')
    expect(await mistakeOf(() => resolveSecrets('secret://db_password'))).toContain('secret "db_password": a name is')
    expect(await mistakeOf(() => resolveSecrets('secret://'))).toContain('secret "": a name is')
  })

  it('survive values that contain themselves', () => {
    const circle: { name: string; self?: unknown } = { name: 'secret://api-token' }
    circle.self = [circle]
    const resolved = resolveSecrets(circle)
    expect(resolved.name).toBe('token-4711')
    expect((resolved.self as unknown[])[0]).toBe(resolved)
  })
})

describe('redaction', () => {
  it('replaces the values of secrets that were read, wherever they stand', () => {
    expect(redact('before s3same$&.* it was read')).toBe('before s3same$&.* it was read')
    secret('db-password')
    expect(redact('twice: s3same$&.*, s3same$&.*!')).toBe('twice: [redacted], [redacted]!')
  })

  it('leaves values of fewer than four letters, which would redact half of every text', () => {
    secret('pin')
    expect(redact('123 of 1234')).toBe('123 of 1234')
  })

  it('finds a value as it stands in an address or in JSON', () => {
    vi.stubEnv('ODD_PASSWORD', 'p@ss "word"\n')
    secret('odd-password')
    expect(redact('https://app:p%40ss%20%22word%22%0A@host')).toBe('https://app:[redacted]@host')
    expect(redact(JSON.stringify({ password: 'p@ss "word"\n' }))).toBe('{"password":"[redacted]"}')
  })

  it('takes the longer of two secrets of which one starts the other', () => {
    vi.stubEnv('SHORT_KEY', 'abcd')
    vi.stubEnv('LONG_KEY', 'abcdefgh')
    secret('short-key')
    secret('long-key')
    expect(redact('abcdefgh abcd')).toBe('[redacted] [redacted]')
    expect(hideSecrets('abcdefgh abcd')).toBe('secret://long-key secret://short-key')
  })

  it('goes through lists, objects, their keys, maps, sets and errors', () => {
    secret('api-token')
    const error = new TypeError('no token-4711', { cause: new Error('token-4711 inside') })
    const clean = redactDeep({
      list: ['token-4711'],
      'key token-4711': 1,
      map: new Map([['token-4711', 'x token-4711']]),
      set: new Set(['token-4711']),
      error,
    })
    expect(clean).toMatchObject({
      list: ['[redacted]'],
      'key [redacted]': 1,
      map: new Map([['[redacted]', 'x [redacted]']]),
      set: new Set(['[redacted]']),
    })
    expect(clean.error).toBeInstanceOf(Error)
    expect(clean.error.name).toBe('TypeError')
    expect(clean.error.message).toBe('no [redacted]')
    expect(`${clean.error.stack}${(clean.error.cause as Error).message}`).not.toContain('4711')
    expect(error.message).toBe('no token-4711')
  })

  it('survives values that contain themselves', () => {
    secret('api-token')
    const circle: unknown[] = ['token-4711']
    circle.push(circle)
    expect(redactDeep(circle)[0]).toBe('[redacted]')
  })
})

describe('hideSecrets', () => {
  it('undoes resolveSecrets', () => {
    const given = { url: 'postgres://app:secret://db-password@host', list: ['secret://api-token'], n: 1 }
    expect(hideSecrets(resolveSecrets(given))).toEqual(given)
  })

  it('does not take the name of one secret for the value of another', () => {
    vi.stubEnv('OTHER', 'password')
    secret('db-password')
    secret('other')
    expect(hideSecrets('s3same$&.* and password')).toBe('secret://db-password and secret://other')
  })

  it('marks the texts that held one, where it is asked to', () => {
    secret('api-token')
    expect(hideSecrets(['plain', 'a token-4711'], (text) => ({ text }))).toEqual([
      'plain',
      { text: 'a secret://api-token' },
    ])
  })
})
