import { describe, expect, it, vi } from 'vitest'
import type { JobSpec } from '../../../platform/agents/launcher.ts'
import { type JobHandle, LaunchError, type Launcher } from '../../../platform/agents/launcher.ts'
import { type PatientOptions, patient } from '../../../platform/agents/patient.ts'

const SPEC: JobSpec = {
  name: 'millrace-run-1',
  run: 'run',
  launch: 1,
  flow: 'hello',
  stack: 'dev',
  environment: {},
  driver: {},
  workers: { count: 0 },
}
const busy = (after?: number): LaunchError =>
  new LaunchError('busy', 'too many requests', after === undefined ? {} : { after })

/** A launcher that answers with these, in turn, and says how often it was asked. */
function answering(...answers: readonly (Error | JobHandle)[]): { launcher: Launcher; asked: () => number } {
  let asked = 0
  const answer = async (): Promise<JobHandle> => {
    const next = answers[Math.min(asked++, answers.length - 1)]
    if (next instanceof Error) throw next
    return next ?? ''
  }
  const launcher: Launcher = {
    kind: 'process',
    place: 'process here /jobs',
    launch: answer,
    status: async () => ({ state: 'running', message: await answer() }),
    cancel: async () => void (await answer()),
    remove: async () => void (await answer()),
    list: async () => [{ handle: await answer(), run: 'run', launch: 1, created: 0, status: { state: 'running' } }],
    tail: async (_handle, lines) => [`${await answer()} ${lines}`],
    close: async () => void (await answer()),
  }
  return { launcher, asked: () => asked }
}

/** A clock that waits no time, and writes the waits down. Chance gives `chance`. */
function clock(chance = 1) {
  let time = 0
  const waits: number[] = []
  const sleep = async (milliseconds: number, signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted()
    waits.push(milliseconds)
    time += milliseconds
  }
  return { now: () => time, sleep, random: () => chance, waits }
}

function launching(answers: readonly (Error | JobHandle)[], options: PatientOptions) {
  const { launcher, asked } = answering(...answers)
  return { result: patient(launcher, options).launch(SPEC), asked }
}

describe('a patient launcher', () => {
  it('tries again while the platform is busy, and gives what it then says', async () => {
    const time = clock()
    const { result, asked } = launching([busy(), busy(), 'handle'], { clock: time })
    expect(await result).toBe('handle')
    expect(asked()).toBe(3)
    expect(time.waits).toEqual([1000, 2000])
  })

  it('does so for every call, with its arguments', async () => {
    const calls: [(launcher: Launcher) => Promise<unknown>, unknown][] = [
      [(launcher) => launcher.launch(SPEC), 'x'],
      [(launcher) => launcher.status('h'), { state: 'running', message: 'x' }],
      [(launcher) => launcher.cancel('h'), undefined],
      [(launcher) => launcher.remove('h'), undefined],
      [(launcher) => launcher.list(), [expect.objectContaining({ handle: 'x' })]],
      [(launcher) => launcher.tail('h', 7), ['x 7']],
    ]
    for (const [call, expected] of calls) {
      const { launcher, asked } = answering(busy(), 'x')
      expect(await call(patient(launcher, { clock: clock() }))).toEqual(expected)
      expect(asked(), String(call)).toBe(2)
    }
  })

  it('doubles the bound of its waits up to the longest', async () => {
    const time = clock()
    const { result } = launching([...Array(6).fill(busy()), 'handle'], { first: 100, longest: 1000, clock: time })
    await result
    expect(time.waits).toEqual([100, 200, 400, 800, 1000, 1000])
  })

  it('waits for any time from none up to the bound', async () => {
    for (const chance of [0, 0.25]) {
      const time = clock(chance)
      const { result } = launching([busy(), busy(), 'handle'], { first: 100, clock: time })
      await result
      expect(time.waits).toEqual([100 * chance, 200 * chance])
    }
  })

  it('never comes back before the platform wants to be asked', async () => {
    const time = clock(0.5)
    const { result } = launching([busy(7000), busy(0), 'handle'], { first: 100, clock: time })
    await result
    expect(time.waits).toEqual([7050, 100])
  })

  it('gives up, with what the platform said last, when the time is over', async () => {
    const time = clock()
    const last = busy()
    const { result, asked } = launching([busy(), busy(), busy(), last], { first: 100, within: 1000, clock: time })
    await expect(result).rejects.toBe(last)
    expect(asked()).toBe(4)
    expect(time.waits).toEqual([100, 200, 400])
  })

  it('gives up at once where the platform asks for more time than there is', async () => {
    const time = clock()
    const { result, asked } = launching([busy(3_600_000), 'handle'], { clock: time })
    await expect(result).rejects.toMatchObject({ after: 3_600_000 })
    expect(asked()).toBe(1)
  })

  it.each([
    ['is refused', new LaunchError('refused', 'no such machine type')],
    ['is denied', new LaunchError('denied', 'run.jobs.create is missing')],
    ['is a defect', new TypeError('undefined is not a function')],
  ])('does not try again what %s', async (_what, error) => {
    const { result, asked } = launching([error, 'handle'], { clock: clock() })
    await expect(result).rejects.toBe(error)
    expect(asked()).toBe(1)
  })

  it('says for what it waits, and how long', async () => {
    const onBusy = vi.fn()
    const error = busy()
    await launching([error, 'handle'], { first: 100, clock: clock(), onBusy }).result
    expect(onBusy.mock.calls).toEqual([[error, 100]])
  })

  it('stops waiting when it is told to, with the reason', async () => {
    const stop = new AbortController()
    const { result, asked } = launching([busy(60_000), 'handle'], {
      signal: stop.signal,
      onBusy: () => setImmediate(() => stop.abort(new Error('the agent goes'))),
    })
    await expect(result).rejects.toThrow('the agent goes')
    expect(asked()).toBe(1)
  })

  it('asks nothing any more once it was told to stop', async () => {
    const { result, asked } = launching(['handle'], { signal: AbortSignal.abort(new Error('the agent goes')) })
    await expect(result).rejects.toThrow('the agent goes')
    expect(asked()).toBe(0)
  })

  it('is of the kind and the place of what it stands before, and closes it', async () => {
    const { launcher, asked } = answering('closed')
    const able = patient(launcher)
    expect(able).toMatchObject({ kind: 'process', place: 'process here /jobs' })
    await able.close()
    expect(asked()).toBe(1)
  })
})
