import { createInterface } from 'node:readline/promises'
import { CancelledError, UserError } from '@millrace/sdk'

/**
 * Asks before something is done that cannot be undone.
 * @throws CancelledError on any answer but yes; UserError where nobody can be asked
 */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new UserError(`${question} There is nobody here to ask`, 'Add --yes to do it without asking.')
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const interrupted = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([lines.question(`${question} [y/N] `), interrupted])
    if (!/^y(es)?$/i.test(answer.trim())) throw new CancelledError('nothing was done')
  } finally {
    lines.close()
  }
}
