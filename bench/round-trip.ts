import type { IncResult } from './flows/inc.ts'
import type { Bench } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { benchFlow, type RunOptions, runFlow } from './harness/flow.ts'
import { quantile } from './harness/statistics.ts'

export const roundTrip: Benchmark = {
  name: 'round-trip',
  what: 'one trivial task there and back, 200 of them in turn, nothing else going on',
  repetitions: 5,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const cluster = await bench.cluster({ workers: 2, slots: 1 })
  const memory = bench.memoryStore()
  for (;;) {
    const remote = await times(bench, { store: cluster.store, executor: 'cluster' })
    const durable = await times(bench, { store: cluster.store, executor: 'threads' })
    const local = await times(bench, { store: memory, executor: 'threads' })
    yield [
      { metric: 'cluster, p50', value: quantile(remote, 0.5), unit: 'ms', bar: { under: 6 } },
      { metric: 'cluster, p95', value: quantile(remote, 0.95), unit: 'ms' },
      { metric: 'threads, nothing kept, p50', value: quantile(local, 0.5), unit: 'ms', bar: { under: 0.3 } },
      { metric: 'threads, nothing kept, p95', value: quantile(local, 0.95), unit: 'ms' },
      { metric: 'threads, durable, p50', value: quantile(durable, 0.5), unit: 'ms' },
      { metric: 'threads, durable, p95', value: quantile(durable, 0.95), unit: 'ms' },
    ]
  }
}

async function times(bench: Bench, options: Omit<RunOptions, 'params'>): Promise<readonly number[]> {
  const params = { tasks: bench.size(200, 50), inTurn: true, warmUp: 100 }
  const { result } = await runFlow(await benchFlow('inc'), { ...options, params })
  return (result as IncResult).took
}
