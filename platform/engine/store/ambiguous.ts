import { UserError } from '@millrace/sdk'

/** The error of a beginning of an id that several runs have. */
export function ambiguous(id: string, found: readonly string[]): UserError {
  return new UserError(`several runs begin with "${id}": ${found.slice(0, 5).join(', ')}`, 'Give more of the id.')
}
