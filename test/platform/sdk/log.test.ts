import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LogEntry, log, type Progress, progress, secret } from '../../../platform/sdk/index.ts'
import { withScope } from '../../../platform/sdk/scope.ts'
import { testScope } from './scope.ts'

beforeEach(() => {
  vi.stubEnv('LOG_TOKEN', 'token-4711')
  secret('log-token')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('a log line in a run', () => {
  it('goes to the run, with its level, time and fields, free of secrets', () => {
    const lines: LogEntry[] = []
    const before = Date.now()
    withScope(testScope({ log: (entry) => lines.push(entry) }), () => {
      log.debug('a')
      log.info('loaded token-4711', { rows: 120, from: ['x token-4711'] })
      log.warn('b')
      log.error('c')
    })
    expect(lines.map((line) => line.level)).toEqual(['debug', 'info', 'warn', 'error'])
    expect(lines[1]).toMatchObject({ message: 'loaded [redacted]', fields: { rows: 120, from: ['x [redacted]'] } })
    expect(lines[0]).not.toHaveProperty('fields')
    expect(lines[1]?.time).toBeGreaterThanOrEqual(before)
  })
})

describe('a log line outside of runs', () => {
  const written = (act: () => void): string => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    act()
    const text = write.mock.calls.map(([text]) => String(text)).join('')
    write.mockRestore()
    return text
  }

  it('goes to standard error, unless it is for debugging', () => {
    expect(
      written(() => {
        log.info('loaded', { rows: 120, key: 'token-4711' })
        log.debug('not seen')
        log.error('failed')
      }),
    ).toBe('loaded {"rows":120,"key":"[redacted]"}\nfailed\n')
  })

  it('may carry what has no form in JSON', () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    expect(written(() => log.info('big', { rows: 5n, at: new Map([['a', 1]]) }))).toMatch(/^big .*5/)
    expect(written(() => log.info('round', { circle }))).toMatch(/^round /)
    expect(written(() => log.warn('failed', { error: new Error('broken token-4711') }))).toMatch(/broken \[redacted\]/)
  })
})

describe('progress', () => {
  it('goes to the run, as much of it as is known', () => {
    const seen: Progress[] = []
    withScope(testScope({ progress: (value) => seen.push(value) }), () => {
      progress(3)
      progress(3, 10)
      progress(3, 10, 'files')
    })
    expect(seen).toEqual([{ done: 3 }, { done: 3, total: 10 }, { done: 3, total: 10, unit: 'files' }])
  })

  it('is nothing outside of runs', () => {
    expect(progress(1, 2)).toBeUndefined()
  })
})
