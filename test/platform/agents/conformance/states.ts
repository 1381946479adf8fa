import { expect, it } from 'vitest'
import { type LauncherStage, lever, specOf, untilRunning, untilState } from '../stage.ts'

export function states(stage: () => LauncherStage): void {
  it('goes through running to succeeded', async () => {
    const waits = await stage().launcher.launch(specOf(stage(), 'waits'))
    expect(await untilState(stage(), waits, 'running')).toEqual({ state: 'running' })
    const done = await stage().launcher.launch(specOf(stage(), 'completes'))
    expect(await untilState(stage(), done, 'succeeded', 'failed')).toMatchObject({ state: 'succeeded', exitCode: 0 })
  })

  it('is failed, with the exit code, when the driver ended so', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'fails'))
    expect(await untilState(stage(), handle, 'succeeded', 'failed')).toMatchObject({
      state: 'failed',
      reason: 'exit',
      exitCode: 3,
      message: expect.stringMatching(/./),
    })
  })

  it('is what the driver is, whatever became of the workers', async () => {
    const workers = { count: 2 }
    const spec = specOf(stage(), 'waits', { workers, environment: { TEST_WORKER_DOES: 'fails' } })
    const handle = await stage().launcher.launch(spec)
    await untilRunning(stage(), handle, 0)
    expect(await stage().launcher.status(handle)).toEqual({ state: 'running' })
    const others = { TEST_WORKER_DOES: 'waits' }
    const done = await stage().launcher.launch(specOf(stage(), 'completes', { workers, environment: others }))
    expect(await untilState(stage(), done, 'succeeded', 'failed')).toMatchObject({ state: 'succeeded' })
  })

  it('stays the same, however often and late one asks', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'fails', { workers: { count: 1 } }))
    const first = await untilState(stage(), handle, 'failed')
    expect(await stage().launcher.status(handle)).toEqual(first)
    const anew = await stage().another()
    expect(await anew.status(handle)).toEqual(first)
    await anew.close()
  })

  it('says that it was stopped for its memory', async (context) => {
    const little = lever(context, stage(), 'littleMemory').call(stage().levers)
    const handle = await stage().launcher.launch(specOf(stage(), 'uses memory', little))
    expect(await untilState(stage(), handle, 'succeeded', 'failed')).toMatchObject({
      state: 'failed',
      reason: 'out-of-memory',
      message: expect.stringMatching(/./),
    })
  })

  it('says, in the words of the platform, that its image cannot be had', async (context) => {
    const { image, words } = lever(context, stage(), 'missingImage').call(stage().levers)
    const handle = await stage().launcher.launch(specOf(stage(), 'completes', { image }))
    const status = await untilReason(stage(), handle)
    expect(status).toMatchObject({ reason: 'image-pull', message: expect.stringContaining(words) })
    expect(['waiting', 'failed']).toContain(status.state)
    expect(await stage().processes(handle)).toEqual([])
  })

  it('refuses a machine type that there is not, in the words of the platform', async (context) => {
    const { machineType, words } = lever(context, stage(), 'unknownMachine').call(stage().levers)
    const spec = specOf(stage(), 'completes', { driver: { machineType } })
    const told = await stage()
      .launcher.launch(spec)
      .then((handle) => untilReason(stage(), handle))
      .catch((error: unknown) => error)
    // Some refuse it when they are asked, some look for such a machine for ever.
    if (told instanceof Error) expect(told).toMatchObject({ name: 'LaunchError', kind: 'refused' })
    else expect(['refused', 'no-capacity']).toContain((told as { reason?: string }).reason)
    expect((told as { message?: string }).message).toContain(words)
  })

  it('says what it waits for where there is no machine', async (context) => {
    const words = lever(context, stage(), 'holdMachines').call(stage().levers)
    try {
      const handle = await stage().launcher.launch(specOf(stage(), 'waits'))
      expect(await untilReason(stage(), handle)).toMatchObject({
        state: 'waiting',
        reason: 'no-capacity',
        message: expect.stringContaining(words),
      })
      stage().levers.giveMachines?.()
      expect(await untilState(stage(), handle, 'running')).toEqual({ state: 'running' })
    } finally {
      stage().levers.giveMachines?.()
    }
  })

  it('says that its machine was taken away', async (context) => {
    const preempt = lever(context, stage(), 'preempt')
    const handle = await stage().launcher.launch(specOf(stage(), 'waits', { driver: { spot: true } }))
    await untilRunning(stage(), handle)
    await preempt.call(stage().levers, handle)
    expect(await untilState(stage(), handle, 'failed')).toMatchObject({
      reason: 'preempted',
      message: expect.stringMatching(/./),
    })
  })

  it('says that its deadline has passed', async (context) => {
    const pass = lever(context, stage(), 'passDeadline')
    const deadline = Date.now() + 3_600_000
    const handle = await stage().launcher.launch(specOf(stage(), 'waits', { deadline }))
    await untilRunning(stage(), handle)
    await pass.call(stage().levers, handle)
    expect(await untilState(stage(), handle, 'failed')).toMatchObject({ reason: 'deadline' })
  })

  it('is gone once it was removed', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'completes'))
    await untilState(stage(), handle, 'succeeded')
    await stage().launcher.remove(handle)
    expect(await stage().launcher.status(handle)).toMatchObject({ state: 'gone' })
  })
}

async function untilReason(stage: LauncherStage, handle: string) {
  for (;;) {
    const status = await untilState(stage, handle, 'waiting', 'failed')
    if (status.reason !== undefined) return status
  }
}
