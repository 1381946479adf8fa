import { expect, it } from 'vitest'
import { type LauncherStage, listed, specOf, untilRunning, untilState, untilStill } from '../stage.ts'

export function removing(stage: () => LauncherStage): void {
  it('deletes what the platform keeps of a job', async () => {
    const spec = specOf(stage(), 'completes', { workers: { count: 1 } })
    const handle = await stage().launcher.launch(spec)
    await untilState(stage(), handle, 'succeeded')
    expect(await listed(stage().launcher, spec.run)).toBeDefined()
    await stage().launcher.remove(handle)
    expect(await listed(stage().launcher, spec.run)).toBeUndefined()
    expect(await stage().launcher.tail(handle)).toEqual([])
  })

  it('stops a job that goes on', async () => {
    const spec = specOf(stage(), 'waits', { workers: { count: 2 } })
    const handle = await stage().launcher.launch(spec)
    await untilRunning(stage(), handle, 2)
    await stage().launcher.remove(handle)
    expect(await untilStill(stage(), handle)).toHaveLength(3)
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'gone' })
    expect(await listed(stage().launcher, spec.run)).toBeUndefined()
  })

  it('stops workers that go on after their driver', async () => {
    const environment = { TEST_WORKER_DOES: 'waits' }
    const spec = specOf(stage(), 'completes', { environment, workers: { count: 2 } })
    const handle = await stage().launcher.launch(spec)
    await untilState(stage(), handle, 'succeeded')
    await stage().launcher.remove(handle)
    await untilStill(stage(), handle)
    expect(await listed(stage().launcher, spec.run)).toBeUndefined()
  })

  it('is no error when it is done twice, also at once', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'waits', { workers: { count: 1 } }))
    await untilRunning(stage(), handle, 1)
    await Promise.all([stage().launcher.remove(handle), stage().launcher.remove(handle)])
    await stage().launcher.remove(handle)
    await untilStill(stage(), handle)
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'gone' })
  })

  it('deletes a job that was cancelled', async () => {
    const spec = specOf(stage(), 'waits')
    const handle = await stage().launcher.launch(spec)
    await untilRunning(stage(), handle)
    await stage().launcher.cancel(handle)
    await stage().launcher.remove(handle)
    await untilStill(stage(), handle)
    expect(await listed(stage().launcher, spec.run)).toBeUndefined()
  })

  it('leaves other jobs alone', async () => {
    const kept = specOf(stage(), 'waits')
    const other = await stage().launcher.launch(kept)
    await untilRunning(stage(), other)
    const handle = await stage().launcher.launch(specOf(stage(), 'completes'))
    await stage().launcher.remove(handle)
    expect(await stage().launcher.status(other)).toEqual({ state: 'running' })
    expect(await listed(stage().launcher, kept.run)).toMatchObject({ handle: other })
  })
}
