import { UserError } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { readAgentContract } from '../../images/agent/contract.ts'

const LEAST = { MILLRACE_LAUNCHER: 'cloud-run', MILLRACE_DATABASE: 'postgres://db', MILLRACE_RELEASES: 'gs://releases' }
const pool = { pool: 'workers-standard', min: 0, max: 5, tasksPerWorker: 20 }

const mistakeIn = (pools: string): string => {
  try {
    readAgentContract({ ...LEAST, MILLRACE_POOLS: pools })
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
  return 'none'
}

describe('what an agent in a container is told of worker pools', () => {
  it('is nothing where it looks after none', () => {
    expect(readAgentContract(LEAST).MILLRACE_POOLS).toBeUndefined()
    expect(readAgentContract({ ...LEAST, MILLRACE_POOLS: '' }).MILLRACE_POOLS).toBeUndefined()
  })

  it('is read from JSON', () => {
    const told = readAgentContract({ ...LEAST, MILLRACE_POOLS: JSON.stringify({ standard: pool }) })
    expect(told.MILLRACE_POOLS).toEqual({ standard: { ...pool, cooldown: 300 } })
  })

  it.each([
    ['standard', /^MILLRACE_POOLS: must be JSON/],
    [JSON.stringify({ standard: { ...pool, min: 6 } }), /^MILLRACE_POOLS\.standard\.min: must not be more than max/],
    [JSON.stringify({ standard: { ...pool, size: 6 } }), /^MILLRACE_POOLS\.standard.*size/],
  ])('is refused in one line when it is wrong: %s', (pools, line) => {
    expect(mistakeIn(pools)).toMatch(line)
  })
})
