import { expect } from 'vitest'
import { UserError } from '../../../platform/sdk/index.ts'

/** What `act` throws, now or later. */
export async function failureOf(act: () => unknown): Promise<Error> {
  try {
    await act()
  } catch (error) {
    return error as Error
  }
  throw new Error('expected a failure')
}

/** The mistake that `act` reports, as the command line prints it: one line, and what to do about it on the next. */
export async function mistakeOf(act: () => unknown): Promise<string> {
  const error = await failureOf(act)
  expect(error).toBeInstanceOf(UserError)
  expect(error.message).not.toContain('\n')
  const { hint } = error as UserError
  return hint === undefined ? error.message : `${error.message}\n${hint}`
}
