import { loadFlow } from '@millrace/engine'
import { type Bench, ROOT } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { runFlow } from './harness/flow.ts'

export const lightFlow: Benchmark = {
  name: 'light-flow',
  what: 'one flow of light tasks on threads, kept in the Postgres run store, from its creation to its end',
  repetitions: 10,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const store = await bench.store()
  const burn = await loadFlow(ROOT, 'burn')
  const warm = async (tasks: number): Promise<number> => {
    const began = performance.now()
    await runFlow(burn, { store, executor: 'threads', params: { tasks } })
    return performance.now() - began
  }
  const cold = async (tasks: number): Promise<number> => {
    const began = performance.now()
    const env = { MILLRACE_DATABASE: store.database.url }
    await bench.millrace(['run', 'burn', '--record', '--param', `tasks=${tasks}`], { env }).done()
    return performance.now() - began
  }
  await warm(40)
  await cold(40)
  for (;;) {
    yield [
      { metric: '40 tasks', value: await warm(40), unit: 'ms', bar: { under: 250 } },
      { metric: '40 tasks, by a new process', value: await cold(40), unit: 'ms' },
      { metric: '1,000 tasks', value: await warm(1000), unit: 'ms', bar: { under: 500 } },
      { metric: '1,000 tasks, by a new process', value: await cold(1000), unit: 'ms' },
    ]
  }
}
