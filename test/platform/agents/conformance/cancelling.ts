import { expect, it } from 'vitest'
import { type LauncherStage, lever, specOf, untilRunning, untilState, untilStill } from '../stage.ts'

export function cancelling(stage: () => LauncherStage): void {
  it('tells driver and workers to go, once', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'waits', { workers: { count: 2 } }))
    await untilRunning(stage(), handle, 2)
    await stage().launcher.cancel(handle)
    const processes = await untilStill(stage(), handle)
    expect(processes.map(({ role, output }) => [role, output]).sort()).toEqual([
      ['driver', ['the driver begins', 'the driver was told to go']],
      ['worker', ['the worker begins', 'the worker was told to go']],
      ['worker', ['the worker begins', 'the worker was told to go']],
    ])
    expect(await untilState(stage(), handle, 'failed')).toMatchObject({ reason: 'cancelled' })
  })

  it('ends what does not go when it is told to', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'ignores SIGTERM', { workers: { count: 1 } }))
    await untilRunning(stage(), handle, 1)
    await stage().launcher.cancel(handle)
    for (const { output } of await untilStill(stage(), handle)) expect(output.at(-1)).toMatch(/was told to go$/)
    expect(await untilState(stage(), handle, 'failed')).toMatchObject({ reason: 'cancelled' })
  })

  it('is no error when it is done twice, also at once', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'waits', { workers: { count: 1 } }))
    await untilRunning(stage(), handle, 1)
    await Promise.all([stage().launcher.cancel(handle), stage().launcher.cancel(handle)])
    await stage().launcher.cancel(handle)
    await untilStill(stage(), handle)
    await untilState(stage(), handle, 'failed')
    await stage().launcher.cancel(handle)
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'failed', reason: 'cancelled' })
  })

  it('changes nothing of a job that is over', async () => {
    const done = await stage().launcher.launch(specOf(stage(), 'completes'))
    const failed = await stage().launcher.launch(specOf(stage(), 'fails'))
    await untilState(stage(), done, 'succeeded')
    await untilState(stage(), failed, 'failed')
    await Promise.all([stage().launcher.cancel(done), stage().launcher.cancel(failed)])
    expect(await stage().launcher.status(done)).toMatchObject({ state: 'succeeded' })
    expect(await stage().launcher.status(failed)).toMatchObject({ state: 'failed', reason: 'exit', exitCode: 3 })
  })

  it('stops workers that go on after their driver', async () => {
    const environment = { TEST_WORKER_DOES: 'waits' }
    const spec = specOf(stage(), 'completes', { environment, workers: { count: 2 } })
    const handle = await stage().launcher.launch(spec)
    await untilState(stage(), handle, 'succeeded')
    await stage().launcher.cancel(handle)
    await untilStill(stage(), handle)
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'succeeded' })
  })

  it('is no error for a job that is gone', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'completes'))
    await untilState(stage(), handle, 'succeeded')
    await stage().launcher.remove(handle)
    await stage().launcher.cancel(handle)
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'gone' })
  })

  it('lets a job that waits for a machine never start', async (context) => {
    lever(context, stage(), 'holdMachines').call(stage().levers)
    try {
      const spec = specOf(stage(), 'waits', { workers: { count: 1 } })
      const handle = await stage().launcher.launch(spec)
      await stage().launcher.cancel(handle)
      expect(await untilState(stage(), handle, 'failed')).toMatchObject({ reason: 'cancelled' })
      stage().levers.giveMachines?.()
      // One that is launched later and runs: by then the other would have.
      await untilRunning(stage(), await stage().launcher.launch(specOf(stage(), 'waits')))
      expect(await stage().processes(handle)).toEqual([])
      expect(await stage().launcher.launch(spec)).toBe(handle)
      expect(await stage().launcher.status(handle)).toMatchObject({ state: 'failed', reason: 'cancelled' })
    } finally {
      stage().levers.giveMachines?.()
    }
  })

  it('does not start what was cancelled when it is launched again', async () => {
    const spec = specOf(stage(), 'waits', { workers: { count: 1 } })
    const handle = await stage().launcher.launch(spec)
    await untilRunning(stage(), handle, 1)
    await stage().launcher.cancel(handle)
    await untilStill(stage(), handle)
    expect(await stage().launcher.launch(spec)).toBe(handle)
    expect(await untilState(stage(), handle, 'failed')).toMatchObject({ reason: 'cancelled' })
    expect(await stage().processes(handle)).toHaveLength(2)
  })

  it('leaves other jobs alone', async () => {
    const spec = specOf(stage(), 'waits', { workers: { count: 1 } })
    const first = await stage().launcher.launch(spec)
    const second = await stage().launcher.launch(specOf(stage(), 'waits', { launch: 2 }))
    await untilRunning(stage(), first, 1)
    await untilRunning(stage(), second)
    await stage().launcher.cancel(first)
    await untilState(stage(), first, 'failed')
    expect(await stage().launcher.status(second)).toEqual({ state: 'running' })
  })
}
