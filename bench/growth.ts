import type { Bench } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { reportOf, startDriver } from './harness/driver.ts'

export const growth: Benchmark = {
  name: 'growth',
  what: 'time and memory as the number of tasks grows, on two one-slot workers, the driver taking results as they come',
  repetitions: 3,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const sizes = bench.quick ? [1000, 2000] : [1000, 10_000, 100_000, 1_000_000]
  for (;;) {
    await using cluster = await bench.cluster({ workers: 2, slots: 1 })
    const grow = async (tasks: number): Promise<Row[]> => {
      const flow = ['flows/burn/flow.ts', 'burn'] as const
      const driver = startDriver(bench, { database: cluster.url, executor: 'cluster', flow, params: { tasks } })
      const { ms, peakMemory } = await reportOf(driver)
      const count = tasks.toLocaleString('en')
      return [
        { metric: `${count} tasks: time of each`, value: (ms * 1000) / tasks, unit: 'µs' },
        { metric: `${count} tasks: most memory of the driver`, value: peakMemory / 1e6, unit: 'MB' },
      ]
    }
    // Workers that were never used take a moment for their first tasks.
    await grow(500)
    const rows: Row[] = []
    for (const tasks of sizes) rows.push(...(await grow(tasks)))
    yield rows
  }
}
