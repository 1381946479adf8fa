import type { ExecutorKind } from '@millrace/engine'
import { skip } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { skipOdd } from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, run, type Stage } from '../stage.ts'

export function skipping(_kind: ExecutorKind, stage: () => Stage): void {
  it('gives undefined for a skipped call, and the run completes', async () => {
    const { run: ended, result, tallies } = await run(stage(), () => skipOdd.map([1, 2, 3, 4]))
    expect(ended.state).toBe('Completed')
    expect(result).toEqual([undefined, 2, undefined, 4])
    expect(tallies.get('skip-odd')).toMatchObject({ done: 2, skipped: 2, failed: 0 })
    const taskRuns = await stage().store.taskRuns(ended.id)
    expect(taskRuns.map(({ state }) => state)).toEqual(['Skipped', 'Completed', 'Skipped', 'Completed'])
    expect(taskRuns[0]?.failure?.message).toBe('1 is odd')
  })

  it('says why a call was skipped where each is settled', async () => {
    const result = await complete(stage(), () => skipOdd.mapSettled([1, 2]))
    expect(result).toEqual([
      { status: 'skipped', reason: '1 is odd' },
      { status: 'fulfilled', value: 2 },
    ])
  })

  it('is an error in the flow function itself', async () => {
    const { run: ended, error } = await run(stage(), () => skip('nothing to do'))
    expect(ended.state).toBe('Failed')
    expect(error?.message).toBe('flow tasks: skip() works inside a task only')
  })
}
