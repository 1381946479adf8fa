import { expect, it } from 'vitest'
import { until } from '../../../until.ts'
import { type LauncherStage, lever, specOf, untilRunning, untilState } from '../stage.ts'

export function tails(stage: () => LauncherStage): void {
  /** A driver that has printed these lines and waits. */
  async function printing(lines: readonly string[]): Promise<string> {
    const environment = { TEST_LINES: JSON.stringify(lines) }
    const handle = await stage().launcher.launch(specOf(stage(), 'prints', { environment }))
    await untilRunning(stage(), handle)
    await until(async () => (await stage().processes(handle))[0]?.output.length === lines.length + 1)
    return handle
  }
  const number = (i: number): string => `line ${i}`

  it('gives the last lines of the driver, oldest first', async () => {
    const handle = await printing(Array.from({ length: 50 }, (_, i) => number(i)))
    const last = Array.from({ length: 20 }, (_, i) => number(30 + i))
    await until(async () => (await stage().launcher.tail(handle, 1))[0] === number(49))
    expect(await stage().launcher.tail(handle)).toEqual(last)
    expect(await stage().launcher.tail(handle, 3)).toEqual(last.slice(-3))
  })

  it('gives what there is where there are fewer', async () => {
    const handle = await printing(['one'])
    await until(async () => (await stage().launcher.tail(handle)).length === 2)
    expect(await stage().launcher.tail(handle, 100)).toEqual(['the driver begins', 'one'])
  })

  it('gives lines of both outputs of a job that is over', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'fails'))
    await untilState(stage(), handle, 'failed')
    await until(async () => (await stage().launcher.tail(handle)).length === 2)
    expect((await stage().launcher.tail(handle)).sort()).toEqual(['no luck', 'the driver begins'])
  })

  it('does not mix in what the workers print', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'waits', { workers: { count: 2 } }))
    await untilRunning(stage(), handle, 2)
    await until(async () => (await stage().launcher.tail(handle)).length > 0)
    expect(await stage().launcher.tail(handle)).toEqual(['the driver begins'])
  })

  it('gives none before the driver has begun', async (context) => {
    lever(context, stage(), 'holdMachines').call(stage().levers)
    try {
      const handle = await stage().launcher.launch(specOf(stage(), 'completes'))
      expect(await stage().launcher.tail(handle)).toEqual([])
    } finally {
      stage().levers.giveMachines?.()
    }
  })

  it('gives lines as they are: long, empty, not of ASCII', async () => {
    const lines = ['Grüße an 水 und 🌊', '', '  indented\ttabs', '{"a":"b\\"c"}', 'x'.repeat(10_000), 'end']
    const handle = await printing(lines)
    await until(async () => (await stage().launcher.tail(handle, 1))[0] === 'end')
    expect(await stage().launcher.tail(handle, 6)).toEqual(lines)
  })

  it('gives none of a job that is gone', async () => {
    const handle = await stage().launcher.launch(specOf(stage(), 'completes'))
    await untilState(stage(), handle, 'succeeded')
    await stage().launcher.remove(handle)
    expect(await stage().launcher.tail(handle)).toEqual([])
  })
}
