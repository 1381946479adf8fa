import type { IncResult } from './flows/inc.ts'
import type { Bench } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { benchFlow, type RunOptions, runFlow } from './harness/flow.ts'

export const fanOut: Benchmark = {
  name: 'fan-out',
  what: '10,000 trivial tasks, one task = one item, from the call of the map to its last result',
  repetitions: 5,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const cluster = await bench.cluster({ workers: 2, slots: 1 })
  const memory = bench.memoryStore()
  for (;;) {
    yield [
      {
        metric: 'two one-slot workers, durable',
        ...(await rate(bench, { store: cluster.store, executor: 'cluster' })),
        bar: { over: 15_000 },
        note: 'the bar is for two idle processors',
      },
      { metric: 'two threads, nothing kept', ...(await rate(bench, { store: memory, executor: 'threads', slots: 2 })) },
      {
        metric: 'two threads, durable',
        ...(await rate(bench, { store: cluster.store, executor: 'threads', slots: 2 })),
      },
    ]
  }
}

async function rate(bench: Bench, options: Omit<RunOptions, 'params'>): Promise<{ value: number; unit: string }> {
  const tasks = bench.size(10_000, 1000)
  const { result } = await runFlow(await benchFlow('inc'), { ...options, params: { tasks } })
  return { value: tasks / ((result as IncResult).ms / 1000), unit: 'tasks/s' }
}
