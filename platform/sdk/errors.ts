/**
 * A mistake of the person who uses Millrace: a wrong parameter, a missing file, an unknown flow.
 * Its message is one full sentence that names the thing, the field and the fix. The command line prints
 * that line alone and exits with 2; anything else that is thrown is a defect and keeps its stack.
 */
export class UserError extends Error {
  override name = 'UserError'
  /** What to do about it, printed on a second line. */
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** Thrown by `skip()`: ends the task that throws it in the state Skipped, which does not fail the run. */
export class SkipSignal extends Error {
  override name = 'SkipSignal'
}

/** A task or a run was cancelled: by a person, or because the run it belongs to ended. */
export class CancelledError extends Error {
  override name = 'CancelledError'
}

/** A task or a run took longer than its timeout. */
export class TimeoutError extends Error {
  override name = 'TimeoutError'
}
