const KIND = Symbol.for('millrace.error')

interface ErrorClass {
  readonly prototype: Error & { readonly [KIND]?: string }
}

function isOfKind(this: ErrorClass, value: unknown): boolean {
  // A class made from one of these is known by its prototype, as classes are.
  if (!Object.hasOwn(this.prototype, KIND)) return Object.prototype.isPrototypeOf.call(this.prototype, value as object)
  return value instanceof Error && (value as ErrorClass['prototype'])[KIND] === this.prototype[KIND]
}

/** Told apart by kind, not by class: a bundle carries its own copy of this package, and so its own classes. */
abstract class MillraceError extends Error {
  static override readonly [Symbol.hasInstance] = isOfKind
}

/**
 * A mistake of the person who uses Millrace: a wrong parameter, a missing file, an unknown flow.
 * Its message is one full sentence that names the thing, the field and the fix. The command line prints
 * that line alone and exits with 2; anything else that is thrown is a defect and keeps its stack.
 */
export class UserError extends MillraceError {
  override name = 'UserError'
  /** What to do about it, printed on a second line. */
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }

  get [KIND](): string {
    return 'UserError'
  }
}

/** Thrown by `skip()`: ends the task that throws it in the state Skipped, which does not fail the run. */
export class SkipSignal extends MillraceError {
  override name = 'SkipSignal'

  get [KIND](): string {
    return 'SkipSignal'
  }
}

/** A task or a run was cancelled: by a person, or because the run it belongs to ended. */
export class CancelledError extends MillraceError {
  override name = 'CancelledError'

  get [KIND](): string {
    return 'CancelledError'
  }
}

/** A task or a run took longer than its timeout. */
export class TimeoutError extends MillraceError {
  override name = 'TimeoutError'

  get [KIND](): string {
    return 'TimeoutError'
  }
}
