import { redact, UserError } from '@millrace/sdk'
import { writeLine } from './log.ts'

const MISTAKE = 2
const DEFECT = 1

/** Says in the log why a program cannot go on: a mistake in what it was told, or a defect with its stack. @returns the exit code */
export function writeFailure(error: unknown): number {
  if (error instanceof UserError) {
    writeLine('ERROR', redact(error.message), error.hint ? { hint: redact(error.hint) } : {})
    return MISTAKE
  }
  const stack = error instanceof Error ? error.stack : undefined
  // Error Reporting groups defects by the stack that it finds in `stack_trace`.
  writeLine('CRITICAL', redact(String(error)), stack === undefined ? {} : { stack_trace: redact(stack) })
  return DEFECT
}
