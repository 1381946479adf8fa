import { expect, it, type TestContext } from 'vitest'
import { LaunchError } from '../../../../platform/agents/launcher.ts'
import { countOf, type Fault, type LauncherStage, lever, listed, specOf, untilRunning, untilState } from '../stage.ts'

export function troubles(stage: () => LauncherStage): void {
  /** Lets requests go wrong; ends the test, aloud, where they cannot in this way. @returns words that the error must show */
  function breakNext(context: TestContext, fault: Fault, times?: number): string {
    const words = lever(context, stage(), 'breakNext').call(stage().levers, fault, times)
    if (words === undefined) context.skip(`${stage().launcher.kind} has no fault "${fault}"`)
    return words ?? ''
  }

  it('finds the job whose answer was lost', async (context) => {
    const spec = specOf(stage(), 'waits', { workers: { count: 2 } })
    breakNext(context, 'answer lost')
    const first = await stage().launcher.launch(spec).catch(errorOf)
    if (typeof first !== 'string') expect(first).toMatchObject({ kind: 'busy' })
    const handle = await stage().launcher.launch(spec)
    const processes = await untilRunning(stage(), handle, 2)
    expect([countOf(processes, 'driver'), countOf(processes, 'worker')]).toEqual([1, 2])
    expect(await stage().processes(handle)).toHaveLength(3)
    await listed(stage().launcher, spec.run)
  })

  it('is launched whole, once, wherever the connection or the agent ended in between', async (context) => {
    const { levers } = stage()
    const cutAfter = lever(context, stage(), 'cutAfter')
    for (let requests = 0, isWhole = false; !isWhole; requests++) {
      const spec = specOf(stage(), 'waits', { workers: { count: 2 } })
      const cut = await stage().another()
      cutAfter.call(levers, requests)
      try {
        await cut.launch(spec)
        isWhole = true
      } catch (error) {
        expect(errorOf(error), `after ${requests} requests`).toMatchObject({ kind: 'busy' })
      } finally {
        levers.mend?.()
      }
      await cut.close()
      const handle = await stage().launcher.launch(spec)
      await untilRunning(stage(), handle, 2)
      expect(await stage().processes(handle), `after ${requests} requests`).toHaveLength(3)
      expect(await listed(stage().launcher, spec.run)).toMatchObject({ handle })
      await stage().launcher.remove(handle)
      expect(requests).toBeLessThan(30)
    }
  }, 120_000)

  it('is removed whole, wherever the connection ended in between', async (context) => {
    const { levers } = stage()
    const cutAfter = lever(context, stage(), 'cutAfter')
    for (let requests = 0, isWhole = false; !isWhole; requests++) {
      const spec = specOf(stage(), 'completes', { workers: { count: 1 } })
      const handle = await stage().launcher.launch(spec)
      await untilState(stage(), handle, 'succeeded')
      const cut = await stage().another()
      cutAfter.call(levers, requests)
      try {
        await cut.remove(handle)
        isWhole = true
      } catch (error) {
        expect(errorOf(error), `after ${requests} requests`).toMatchObject({ kind: 'busy' })
      } finally {
        levers.mend?.()
      }
      await cut.close()
      await stage().launcher.remove(handle)
      expect(await listed(stage().launcher, spec.run)).toBeUndefined()
      expect(requests).toBeLessThan(30)
    }
  }, 120_000)

  it('is busy when there are too many requests, and says how long to wait', async (context) => {
    const words = breakNext(context, 'busy')
    const spec = specOf(stage(), 'completes')
    const error = await stage().launcher.launch(spec).catch(errorOf)
    expect(error).toMatchObject({ kind: 'busy', message: expect.stringContaining(words) })
    expect([undefined, 7000]).toContain((error as LaunchError).after)
    await untilState(stage(), await stage().launcher.launch(spec), 'succeeded')
  })

  it('is busy when the platform is away', async (context) => {
    const words = breakNext(context, 'away')
    const spec = specOf(stage(), 'completes')
    const error = await stage().launcher.launch(spec).catch(errorOf)
    expect(error).toMatchObject({ kind: 'busy', message: expect.stringContaining(words) })
    await untilState(stage(), await stage().launcher.launch(spec), 'succeeded')
  })

  const calls = {
    status: (handle: string) => stage().launcher.status(handle),
    list: () => stage().launcher.list(),
    cancel: (handle: string) => stage().launcher.cancel(handle),
    remove: (handle: string) => stage().launcher.remove(handle),
    tail: (handle: string) => stage().launcher.tail(handle),
  }
  for (const [name, call] of Object.entries(calls)) {
    it(`does not take a platform that is away for a job that is gone: ${name}`, async (context) => {
      const handle = await stage().launcher.launch(specOf(stage(), 'waits'))
      await untilRunning(stage(), handle)
      breakNext(context, 'away')
      expect(await Promise.resolve(call(handle)).catch(errorOf)).toMatchObject({ kind: 'busy' })
      expect(await stage().launcher.status(handle)).toMatchObject({ state: 'running' })
      await call(handle)
    })
  }

  it('names the permission that is missing', async (context) => {
    const permission = breakNext(context, 'denied')
    const spec = specOf(stage(), 'completes')
    const error = await stage().launcher.launch(spec).catch(errorOf)
    expect(error).toMatchObject({ kind: 'denied', message: expect.stringContaining(permission) })
    await untilState(stage(), await stage().launcher.launch(spec), 'succeeded')
  })

  it('shows the words with which the platform refuses a job, and leaves nothing of it', async (context) => {
    const words = breakNext(context, 'refused')
    const spec = specOf(stage(), 'completes', { workers: { count: 1 } })
    const error = await stage().launcher.launch(spec).catch(errorOf)
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining(words) })
    await untilState(stage(), await stage().launcher.launch(spec), 'succeeded')
    await listed(stage().launcher, spec.run)
  })
}

function errorOf(error: unknown): LaunchError {
  expect(error).toBeInstanceOf(LaunchError)
  return error as LaunchError
}
