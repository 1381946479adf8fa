import type { Bench } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { LIMIT } from './harness/dispatcher.ts'
import { OurDispatch } from './harness/our-dispatch.ts'
import { installPrefect } from './prefect/install.ts'
import { type Prefect, startPrefect } from './prefect/prefect.ts'

export const queuedRuns: Benchmark = {
  name: 'queued-runs',
  what: `1,000 queued runs of hello, each a new process, ${LIMIT} at once; from the first claim to the last end`,
  repetitions: 3,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const count = bench.size(1000, 20)
  const python = bench.options.peers ? await installPrefect(bench) : undefined
  for (;;) {
    const ours = await measureOurs(bench, count)
    yield [...ours, ...(python === undefined ? [] : await measurePrefect(bench, python))]
  }
}

async function measureOurs(bench: Bench, count: number): Promise<Row[]> {
  await using dispatch = await OurDispatch.open(bench)
  const { rate, lost, doubled, left } = await dispatch.fates(count)
  return [
    { metric: 'Millrace', value: rate, unit: 'runs/s' },
    { metric: 'runs lost', value: lost, unit: 'runs', bar: { exactly: 0 } },
    { metric: 'runs launched or begun more than once', value: doubled, unit: 'runs', bar: { exactly: 0 } },
    { metric: 'jobs left behind', value: left, unit: 'jobs', bar: { exactly: 0 } },
  ]
}

/** Fewer runs: its rate does not depend on how many there are. */
async function measurePrefect(bench: Bench, python: string): Promise<Row[]> {
  const rate = async (how: Prefect['how'], count: number): Promise<Row> => {
    await using prefect = await startPrefect(bench, python, how)
    const value = await prefect.many(count)
    return { metric: `Prefect ${how}`, value, unit: 'runs/s', note: `${count} runs; ${prefect.about}` }
  }
  // As it comes it asks for work every 10 seconds, and takes as many runs as it may have going.
  return [await rate('as it comes', bench.size(20, 4)), await rate('tuned', bench.size(100, 8))]
}
