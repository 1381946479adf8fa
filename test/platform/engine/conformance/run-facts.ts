import type { ExecutorKind } from '@millrace/engine'
import { currentRun, flow, store, UserError } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { about, double } from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, run, type Stage } from '../stage.ts'

export function runFacts(_kind: ExecutorKind, stage: () => Stage): void {
  it('tells a task about the run it belongs to', async () => {
    const options = {
      params: z.object({ n: z.int(), list: z.array(z.string()).default(['x']) }),
      given: { n: 3 },
      config: { dev: { sink: 'null:' }, prod: { sink: 'gs://bucket' } },
      env: 'prod',
      runName: ({ n }: { n: number }) => `made for ${n}`,
    }
    const { run: ended, result } = await run(
      stage(),
      async (params, info) => ({ params, info: { ...info }, inTask: await about() }),
      options,
    )
    expect(result.params).toEqual({ n: 3, list: ['x'] })
    expect(result.inTask).toEqual({
      id: ended.id,
      flow: 'tasks',
      name: 'made for 3',
      params: { n: 3, list: ['x'] },
      env: 'prod',
      attempt: 1,
      config: { sink: 'gs://bucket' },
      scratch: result.info.scratch,
    })
    expect(ended).toMatchObject({ name: 'made for 3', env: 'prod', attempt: 1, state: 'Completed' })
  })

  it('removes the scratch data of a run when it completes', async () => {
    const { scratch } = await complete(stage(), async () => {
      const facts = await about()
      await store(facts.scratch).write('part.txt', 'half')
      expect(await store(facts.scratch).exists('part.txt')).toBe(true)
      return facts
    })
    expect(await store(scratch).exists('part.txt')).toBe(false)
  })

  it('makes no run of wrong parameters', async () => {
    const before = (await stage().store.listRuns()).runs.length
    const wrong = run(stage(), () => 1, { params: z.object({ n: z.int() }), given: { n: 'x' } })
    await expect(wrong).rejects.toThrow(UserError)
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
