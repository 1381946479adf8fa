import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { label } from '../../../fixtures/project/flows/tasks/flow.ts'
import { startWorker } from '../../../process.ts'
import { until } from '../../../until.ts'
import { complete, REAPER, run, type Stage } from '../stage.ts'

export function placement(kind: ExecutorKind, stage: () => Stage): void {
  if (kind !== 'cluster') {
    it('runs a task whatever labels it asks for', async () => {
      expect(await complete(stage(), () => label())).toBe(process.pid)
    })
    return
  }

  it('waits for a worker that has the labels of a task, and says so', async () => {
    const database = stage().database?.url ?? ''
    let id = ''
    const going = run(stage(), () => label.map([undefined, undefined] as unknown as []), {
      onStart: (run) => {
        id = run
      },
    })
    await until(async () => id !== '' && (await stage().store.logs(id, { level: 'warn' })).length > 0)
    const special = await startWorker({ database, name: 'special', labels: ['special', 'other'], reaper: REAPER })
    const { result, lines } = await going
    expect(result).toEqual([special.pid, special.pid])
    expect(lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
      'waiting: none of the 2 workers has the label special',
    ])
    special.kill('SIGTERM')
    expect(await special.ended).toBe(0)
  })
}
