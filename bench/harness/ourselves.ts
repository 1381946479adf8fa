import type { IncResult } from '../flows/inc.ts'
import type { Bench } from './bench.ts'
import type { Contender } from './contender.ts'
import { benchFlow, runFlow } from './flow.ts'

/** Our cluster: two one-slot workers; every task is in the journal before its result is used. */
export async function ourselves(bench: Bench): Promise<Contender> {
  const cluster = await bench.cluster({ workers: 2, slots: 1 })
  const flow = await benchFlow('inc')
  const run = async (params: { tasks: number; inTurn?: boolean }): Promise<IncResult> => {
    const options = { store: cluster.store, executor: 'cluster', params: { ...params, warmUp: 0 } } as const
    return (await runFlow(flow, options)).result as IncResult
  }
  return {
    map: async (tasks) => (await run({ tasks })).ms,
    inTurn: async (tasks) => (await run({ tasks, inTurn: true })).took,
    [Symbol.asyncDispose]: () => cluster.close(),
  }
}
