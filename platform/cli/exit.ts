import { CancelledError, UserError } from '@millrace/sdk'

/** What the command line ends with. */
export const EXIT = { completed: 0, failed: 1, mistake: 2, interrupted: 130 } as const

/** Prints why a command did not work: one line for a user's mistake, a stack for a defect. @returns the exit code */
export function report(error: unknown): number {
  if (error instanceof UserError) {
    process.stderr.write(
      `millrace: ${error.message}\n${error.hint ? `  ${error.hint.replaceAll('\n', '\n  ')}\n` : ''}`,
    )
    return EXIT.mistake
  }
  if (error instanceof CancelledError) {
    process.stderr.write(`millrace: ${error.message}\n`)
    return EXIT.interrupted
  }
  if (error instanceof Error && error.name === 'DatabaseGoneError') {
    process.stderr.write(`millrace: ${error.message}\n`)
    return EXIT.failed
  }
  process.stderr.write(`millrace: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return EXIT.failed
}
