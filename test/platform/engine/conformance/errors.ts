import type { ExecutorKind } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { expect, it } from 'vitest'
import {
  double,
  echo,
  exit,
  fail,
  leaveRejection,
  refuse,
  throwLater,
  throwText,
  timedNap,
} from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, failing, run, type Stage } from '../stage.ts'

export function errors(kind: ExecutorKind, stage: () => Stage): void {
  it('keeps name, message, cause and the stack of where an error was thrown', async () => {
    const error = await failing(stage(), () => fail('out of range'))
    expect(error.name).toBe('RangeError')
    expect(error.message).toBe('out of range')
    expect(error.stack).toMatch(/trouble\.ts:\d+/)
    expect(error.cause).toMatchObject({ message: 'what lay below' })
  })

  it("keeps a user's mistake a user's mistake, with its hint", async () => {
    const error = await failing(stage(), () => refuse())
    expect(error).toBeInstanceOf(UserError)
    expect(error).toMatchObject({ message: 'tile 12/34 does not exist', hint: 'Choose another tile.' })
  })

  it('makes an error of a text that was thrown', async () => {
    const error = await failing(stage(), () => throwText())
    expect(error).toBeInstanceOf(Error)
    expect(error.message).toBe('only a text')
  })

  it('lets the flow catch the error of a task and go on', async () => {
    const result = await complete(stage(), async () => {
      const message = await fail('caught').catch((error: Error) => error.message)
      return [message, await double(2)]
    })
    expect(result).toEqual(['caught', 4])
  })

  it('fails the run when the flow function throws', async () => {
    const { run: ended, error } = await run(stage(), async () => {
      await double(1)
      throw new TypeError('a mistake in the flow')
    })
    expect(ended).toMatchObject({ state: 'Failed', message: 'a mistake in the flow' })
    expect(error).toBeInstanceOf(TypeError)
    expect((await stage().store.findRun(ended.id))?.failure).toMatchObject({ name: 'TypeError' })
  })

  it.each([
    ['a function', () => () => 1, /echo.*argument.*function/],
    ['a function deep inside', () => ({ a: [{ b: () => 1 }] }), /\[0\]\.a\[0\]\.b is a function/],
    ['a promise', () => Promise.resolve(1), /\[0\] is a promise.*await/],
    ['a symbol', () => Symbol('s'), /is a symbol/],
    ['itself', () => Object.assign([] as unknown[], { 0: 0 }).concat([circular()]), /contains itself/],
  ])('refuses %s as an argument, and names it', async (_what, make, message) => {
    const error = await failing(stage(), () => echo(make()))
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^task echo: /)
  })

  it('refuses a shared argument that is no data', async () => {
    const error = await failing(stage(), () => echo.map([1], ...([() => 1] as unknown as [])))
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toMatch(/^task echo: a shared argument .*function/)
  })

  it('fails the run for a call with an impossible argument that nobody awaits', async () => {
    expect((await failing(stage(), () => void echo.submit(() => 1))).message).toMatch(/is a function/)
  })

  if (kind === 'inline') return

  it('survives a task that calls process.exit', async () => {
    const result = await complete(stage(), async () => {
      const message = await exit(3).catch((error: Error) => error.message)
      return [message, await double.map([1, 2, 3, 4])] as const
    })
    expect(result[0]).toMatch(/^task exit ended its thread.*exit/)
    expect(result[1]).toEqual([2, 4, 6, 8])
  })

  it('does not blame another task for a promise that one left behind, and says whose it was', async () => {
    const { result, lines } = await run(stage(), async () => {
      await leaveRejection(20)
      const others = await timedNap.map(Array(12).fill(20))
      return others.length
    })
    expect(result).toBe(12)
    expect(lines.find(({ message }) => message.includes('left behind'))).toMatchObject({
      level: 'error',
      source: 'leave-rejection-0',
    })
  })

  it('fails a call with the error of a callback that nobody else sees', async () => {
    expect((await failing(stage(), () => throwLater(20))).message).toBe('thrown in a callback')
  })
}

function circular(): unknown {
  const value: { self?: unknown } = {}
  value.self = value
  return value
}
