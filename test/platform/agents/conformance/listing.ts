import { expect, it } from 'vitest'
import { type LauncherStage, listed, specOf, untilRunning, untilState } from '../stage.ts'

export function listing(stage: () => LauncherStage): void {
  it('shows a job with run, launch, deadline, state and when it was made', async () => {
    const deadline = Date.now() + 3_600_000
    const spec = specOf(stage(), 'waits', { launch: 3, deadline, workers: { count: 2 } })
    const handle = await stage().launcher.launch(spec)
    await untilRunning(stage(), handle, 2)
    const job = await listed(stage().launcher, spec.run)
    expect(job).toMatchObject({ handle, run: spec.run, launch: 3, deadline, status: { state: 'running' } })
    expect(Math.abs((job?.created ?? 0) - Date.now())).toBeLessThan(120_000)
  })

  it('gives no deadline to a job that has none', async () => {
    const spec = specOf(stage(), 'completes')
    await stage().launcher.launch(spec)
    expect(await listed(stage().launcher, spec.run)).not.toHaveProperty('deadline')
  })

  it('shows those that are over, as their status says', async () => {
    const [done, failed] = [specOf(stage(), 'completes'), specOf(stage(), 'fails')]
    for (const spec of [done, failed]) {
      await untilState(stage(), await stage().launcher.launch(spec), 'succeeded', 'failed')
    }
    expect((await listed(stage().launcher, done.run))?.status).toMatchObject({ state: 'succeeded' })
    const job = await listed(stage().launcher, failed.run)
    expect(job?.status).toEqual(await stage().launcher.status(job?.handle ?? ''))
    expect(job?.status).toMatchObject({ state: 'failed', exitCode: 3 })
  })

  it('keeps the time at which a job was made', async () => {
    const spec = specOf(stage(), 'completes')
    await stage().launcher.launch(spec)
    const first = await listed(stage().launcher, spec.run)
    await untilState(stage(), first?.handle ?? '', 'succeeded')
    await stage().launcher.launch(spec)
    expect((await listed(stage().launcher, spec.run))?.created).toBe(first?.created)
  })

  it('shows more jobs than the platform tells of at once', async () => {
    const specs = Array.from({ length: 7 }, () => specOf(stage(), 'completes', { workers: { count: 1 } }))
    const handles = await Promise.all(specs.map((spec) => stage().launcher.launch(spec)))
    const found = (await stage().launcher.list()).map(({ handle }) => handle)
    expect(found).toEqual(expect.arrayContaining(handles))
    expect(new Set(found).size).toBe(found.length)
  })

  it('shows to each stack its own jobs', async () => {
    const other = await stage().another('another')
    const ours = specOf(stage(), 'completes')
    const theirs = specOf(stage(), 'completes', { stack: 'another' })
    await stage().launcher.launch(ours)
    await other.launch(theirs)
    expect(await listed(stage().launcher, theirs.run)).toBeUndefined()
    expect((await other.list()).map(({ run }) => run)).toEqual([theirs.run])
    await other.close()
  })

  it('is the same for all launchers of one place', async () => {
    const { launcher } = stage()
    const anew = await stage().another()
    expect(launcher.place.split(' ')[0]).toBe(launcher.kind)
    expect(anew.place).toBe(launcher.place)
    const spec = specOf(stage(), 'completes')
    await anew.launch(spec)
    await anew.close()
    expect(await listed(launcher, spec.run)).toBeDefined()
  })

  it('shows nothing that is not a job of ours', async () => {
    const before = (await stage().launcher.list()).length
    await stage().addStranger()
    expect(await stage().launcher.list()).toHaveLength(before)
  })
}
