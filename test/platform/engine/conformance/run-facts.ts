import type { ExecutorKind } from '@millrace/engine'
import { currentRun, flow, store, UserError } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { z } from 'zod'
import facts from '../../../fixtures/project/flows/facts/flow.ts'
import { double } from '../../../fixtures/project/flows/tasks/flow.ts'
import { drive, run, type Stage } from '../stage.ts'

export function runFacts(_kind: ExecutorKind, stage: () => Stage): void {
  it('tells a task about the run it belongs to', async () => {
    const { run: ended, result } = await drive(stage(), facts, { n: 3 }, { env: 'prod' })
    expect(result.params).toEqual({ n: 3, list: ['x'] })
    expect(result.inTask).toEqual({
      id: ended.id,
      flow: 'facts',
      name: 'made for 3',
      params: { n: 3, list: ['x'] },
      env: 'prod',
      attempt: 1,
      config: { sink: 'gs://bucket' },
      scratch: result.inFlow.scratch,
    })
    expect(ended).toMatchObject({ name: 'made for 3', env: 'prod', attempt: 1, state: 'Completed' })
  })

  it('keeps what one task does to its parameters from the others', async () => {
    const { result } = await drive(stage(), facts, { n: 1, list: [] })
    expect(result.spoilt).toEqual([['spoilt'], ['spoilt']])
    expect(result.params.list).toEqual([])
  })

  it('keeps scratch data for the tasks of a run, and removes it when the run completes', async () => {
    const { result } = await drive(stage(), facts, { n: 1 })
    expect(result.kept).toEqual([false, true])
    expect(await store(result.inFlow.scratch).exists('part.txt')).toBe(false)
  })

  it('makes no run of wrong parameters, or for an environment that the flow has no config for', async () => {
    const before = (await stage().store.listRuns()).runs.length
    await expect(drive(stage(), facts, { n: 'x' })).rejects.toThrow('parameter n: expected a')
    await expect(drive(stage(), facts, { n: 1 }, { env: 'staging' })).rejects.toThrow(UserError)
    expect((await stage().store.listRuns()).runs.length).toBe(before)
  })

  it('runs a flow inside another as a part of it', async () => {
    const inner = flow({ name: 'inner', params: z.object({ x: z.int() }) }, async ({ x }) => [
      await double.map([x, x + 1]),
      currentRun().flow,
    ])
    const { run: ended, result } = await run(stage(), async () => [await inner({ x: 1 }), await inner({ x: 5 })])
    expect(result).toEqual([
      [[2, 4], 'tasks'],
      [[10, 12], 'tasks'],
    ])
    expect(await stage().store.taskCounts(ended.id)).toEqual({ double: { Completed: 4 } })
  })
}
