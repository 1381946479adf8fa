import type { Bench } from './harness/bench.ts'
import type { Bar, Benchmark, Row } from './harness/benchmark.ts'
import type { Dispatcher, FirstLine } from './harness/dispatcher.ts'
import { OurDispatch } from './harness/our-dispatch.ts'
import { median, quantile } from './harness/statistics.ts'
import { installPrefect } from './prefect/install.ts'
import { type Prefect, startPrefect } from './prefect/prefect.ts'

export const firstLine: Benchmark = {
  name: 'first-line',
  what: 'from queueing a run of hello on an idle platform to its first log line, its new process included',
  repetitions: 3,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const python = bench.options.peers ? await installPrefect(bench) : undefined
  for (;;) {
    const ours = await measure(await OurDispatch.open(bench), bench.size(20, 5))
    yield [
      ...rows('Millrace', ours, { under: 500 }),
      ...(python === undefined ? [] : await measurePrefect(bench, python)),
    ]
  }
}

async function measurePrefect(bench: Bench, python: string): Promise<Row[]> {
  const each = async (how: Prefect['how'], count: number): Promise<Row[]> => {
    const prefect = await startPrefect(bench, python, how)
    return rows(`Prefect ${how}`, await measure(prefect, count), undefined, prefect.about)
  }
  return [...(await each('as it comes', bench.size(5, 2))), ...(await each('tuned', bench.size(20, 3)))]
}

async function measure(dispatcher: Dispatcher, count: number): Promise<readonly FirstLine[]> {
  await using measured = dispatcher
  return await measured.inTurn(count)
}

function rows(who: string, lines: readonly FirstLine[], bar?: Bar, about?: string): Row[] {
  const written = lines.map((line) => line.written)
  const readable = lines.flatMap((line) => line.readable ?? [])
  return [
    ...(readable.length > 0
      ? [{ metric: `${who}: its line in the database, p50`, value: median(readable), unit: 'ms', bar }]
      : []),
    { metric: `${who}: its line written, p50`, value: median(written), unit: 'ms', note: about },
    { metric: `${who}: its line written, p95`, value: quantile(written, 0.95), unit: 'ms' },
  ]
}
