import { describe, expect, it } from 'vitest'
import * as ours from '../../../platform/sdk/errors.ts'

// A bundle carries its own copy of the package, and so its own classes.
const theirs: typeof ours = await import(`../../../platform/sdk/errors.ts${'?'}copy`)

describe('the errors of the SDK', () => {
  it.each([
    ['UserError', ours.UserError, theirs.UserError],
    ['SkipSignal', ours.SkipSignal, theirs.SkipSignal],
    ['CancelledError', ours.CancelledError, theirs.CancelledError],
    ['TimeoutError', ours.TimeoutError, theirs.TimeoutError],
  ])('%s is known where it comes from another copy of the package', (name, Ours, Theirs) => {
    expect(Theirs).not.toBe(Ours)
    const error = new Theirs('x')
    expect(error).toBeInstanceOf(Ours)
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe(name)
    expect(new Ours('x')).toBeInstanceOf(Ours)
  })

  it('are told apart, from each other and from others of the same name', () => {
    expect(new ours.UserError('x')).not.toBeInstanceOf(ours.CancelledError)
    expect(new Error('x')).not.toBeInstanceOf(ours.UserError)
    expect(AbortSignal.abort(new DOMException('x', 'TimeoutError')).reason).not.toBeInstanceOf(ours.TimeoutError)
    for (const value of [undefined, null, 'UserError', {}, { name: 'UserError' }]) {
      expect(value instanceof ours.UserError).toBe(false)
    }
  })

  it('may be refined', () => {
    class Refined extends ours.UserError {}
    expect(new Refined('x')).toBeInstanceOf(Refined)
    expect(new Refined('x')).toBeInstanceOf(ours.UserError)
    expect(new ours.UserError('x')).not.toBeInstanceOf(Refined)
  })

  it('of a person carry what to do about it', () => {
    expect(new ours.UserError('wrong', 'Do it right.')).toMatchObject({ message: 'wrong', hint: 'Do it right.' })
    expect(new ours.UserError('wrong').hint).toBeUndefined()
  })
})
