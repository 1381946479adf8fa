import { type Dask, startDask } from './dask/dask.ts'
import { installDask } from './dask/install.ts'
import type { Bench } from './harness/bench.ts'
import { type Bar, type Benchmark, type Row, SkippedError } from './harness/benchmark.ts'
import { type Showing, show } from './harness/contender.ts'
import { ourselves } from './harness/ourselves.ts'

export const peers: Benchmark = {
  name: 'peers',
  what: 'the newest Dask beside our cluster, two one-slot workers each, in turn on the same machine',
  repetitions: 5,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  if (!bench.options.peers) throw new SkippedError('asked for with --peers')
  const python = await installDask(bench)
  const sizes = { tasks: bench.size(10_000, 1000), single: bench.size(200, 50) }
  const measureDask = async (how: 'as it comes' | 'tuned'): Promise<Showing & Pick<Dask, 'about'>> => {
    await using dask = await startDask(bench, python, how)
    return { about: dask.about, ...(await show(dask, sizes)) }
  }
  for (;;) {
    const ours = await measureOurs(bench, sizes)
    const plain = await measureDask('as it comes')
    const tuned = await measureDask('tuned')
    yield [
      ...rows('Millrace', ours, 'durable'),
      ...rows('Dask as it comes', plain, `in memory; ${plain.about}`),
      ...rows('Dask tuned', tuned, 'in memory; settings in bench/dask/measure.py'),
      ...ratios('Dask as it comes', ours, plain, { over: 15 }),
      ...ratios('Dask tuned', ours, tuned, { over: 5 }),
    ]
  }
}

async function measureOurs(bench: Bench, sizes: { tasks: number; single: number }): Promise<Showing> {
  await using cluster = await ourselves(bench)
  return await show(cluster, sizes)
}

function rows(who: string, { rate, p50, p95, forty }: Showing, note: string): Row[] {
  return [
    { metric: `${who}: 10,000 tasks`, value: rate, unit: 'tasks/s', note },
    { metric: `${who}: 40 tasks`, value: forty, unit: 'ms' },
    { metric: `${who}: one task, p50`, value: p50, unit: 'ms' },
    { metric: `${who}: one task, p95`, value: p95, unit: 'ms' },
  ]
}

/** Of the same repetition each, so that what disturbed one has disturbed the other about as much. */
function ratios(who: string, ours: Showing, theirs: Showing, bar: Bar): Row[] {
  return [
    { metric: `times as many tasks a second as ${who}`, value: ours.rate / theirs.rate, unit: 'x', bar },
    { metric: `times as fast with 40 tasks as ${who}`, value: theirs.forty / ours.forty, unit: 'x' },
    { metric: `times as fast with one task as ${who}`, value: theirs.p50 / ours.p50, unit: 'x' },
  ]
}
