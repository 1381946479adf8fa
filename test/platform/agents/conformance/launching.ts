import { expect, it } from 'vitest'
import { countOf, type LauncherStage, lever, listed, specOf, untilRunning, untilState, untilStill } from '../stage.ts'

export function launching(stage: () => LauncherStage): void {
  it('starts a driver alone where no workers are asked for', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'completes'))
    await untilState(stage(), handle, 'succeeded')
    const processes = await untilStill(stage(), handle)
    expect(processes.map(({ role }) => role)).toEqual(['driver'])
    expect(processes[0]?.output).toEqual(['the driver begins', 'the driver is done'])
  })

  it('starts a driver and all its workers', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'waits', { workers: { count: 3 } }))
    const processes = await untilRunning(stage(), handle, 3)
    expect([countOf(processes, 'driver'), countOf(processes, 'worker')]).toEqual([1, 3])
  })

  it('finds the job when it is launched again, and starts nothing more', async () => {
    const spec = specOf(stage(), 'waits', { workers: { count: 2 } })
    const handle = await stage().launcher.launch(spec)
    await untilRunning(stage(), handle, 2)
    expect(await stage().launcher.launch(spec)).toBe(handle)
    expect(await stage().processes(handle)).toHaveLength(3)
  })

  it('finds a job that is over when it is launched again', async () => {
    const spec = specOf(stage(), 'fails')
    const handle = await stage().launcher.launch(spec)
    await untilState(stage(), handle, 'failed')
    expect(await stage().launcher.launch(spec)).toBe(handle)
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'failed', exitCode: 3 })
    expect(await stage().processes(handle)).toHaveLength(1)
  })

  it('lets one job go on where two agents launch it at once', async () => {
    const spec = specOf(stage(), 'waits', { workers: { count: 1 } })
    const other = await stage().another()
    const handles = await Promise.all([stage().launcher.launch(spec), other.launch(spec)])
    await other.close()
    // Where jobs cannot be given names there may be two, until somebody looks.
    const handle = await stage().launcher.launch(spec)
    if (stage().arrives.has('name')) expect(new Set([handle, ...handles]).size).toBe(1)
    for (const each of handles.filter((each) => each !== handle)) await untilStill(stage(), each)
    // By the time that a job which is launched later runs, all that this one has has begun.
    await untilRunning(stage(), await stage().launcher.launch(specOf(stage(), 'waits')))
    await untilRunning(stage(), handle, 1)
    expect((await stage().processes(handle)).filter(({ isRunning }) => isRunning)).toHaveLength(2)
  })

  it('makes a job of each launch of a run', async () => {
    const first = specOf(stage(), 'completes')
    const second = specOf(stage(), 'completes', { run: first.run, launch: 2 })
    const handles = [await stage().launcher.launch(first), await stage().launcher.launch(second)]
    expect(new Set(handles).size).toBe(2)
    const launches = (await stage().launcher.list()).filter(({ run }) => run === first.run)
    expect(launches.map(({ launch }) => launch).sort()).toEqual([1, 2])
  })

  it('gives handles that serve an agent that was started anew', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'waits'))
    await untilRunning(stage(), handle)
    const anew = await stage().another()
    expect(await anew.status(handle)).toMatchObject({ state: 'running' })
    expect(await anew.tail(handle)).toEqual(['the driver begins'])
    await anew.cancel(handle)
    await anew.close()
    expect(await untilState(stage(), handle, 'failed')).toMatchObject({ reason: 'cancelled' })
  })

  it('lets its jobs go on when it is closed', async () => {
    const launcher = await stage().another()
    const handle = await launcher.launch(specOf(stage(), 'waits', { workers: { count: 1 } }))
    await untilRunning(stage(), handle, 1)
    await launcher.close()
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'running' })
    expect((await stage().processes(handle)).filter(({ isRunning }) => isRunning)).toHaveLength(2)
  })

  it('launches a run anew when its job was removed', async () => {
    const spec = specOf(stage(), 'completes')
    const first = await stage().launcher.launch(spec)
    await untilState(stage(), first, 'succeeded')
    await stage().launcher.remove(first)
    const second = await stage().launcher.launch(spec)
    await untilState(stage(), second, 'succeeded')
    expect(await listed(stage().launcher, spec.run)).toMatchObject({ handle: second })
  })

  it('does not wait for a machine', async (context) => {
    const hold = lever(context, stage(), 'holdMachines')
    hold.call(stage().levers)
    try {
      const handle = await stage().launcher.launch(specOf(stage(), 'completes', { workers: { count: 1 } }))
      expect(await stage().launcher.status(handle)).toMatchObject({ state: 'waiting' })
      expect(await stage().processes(handle)).toEqual([])
      stage().levers.giveMachines?.()
      await untilState(stage(), handle, 'succeeded')
    } finally {
      stage().levers.giveMachines?.()
    }
  })
}
