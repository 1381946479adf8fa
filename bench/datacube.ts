import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateInput } from './datacube/generate.ts'
import { type Measurement, measureDatacube } from './datacube/measure.ts'
import { type Bench, ROOT } from './harness/bench.ts'
import { type Benchmark, type Row, SkippedError } from './harness/benchmark.ts'

/** Seconds that the pipeline which this flow replaces takes on two cores, by rows. */
const REFERENCE = new Map([
  [100_000, 264],
  [1_000_000, 675],
])
const FASTER = 20

export const datacube: Benchmark = {
  name: 'datacube',
  what: 'the flow datacube by the command line, beside writing the same files and nothing else',
  repetitions: 3,
  run,
}

export const datacubeGrowth: Benchmark = {
  name: 'datacube-growth',
  what: 'time and memory of the flow datacube as the number of rows grows',
  repetitions: 1,
  run: grow,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const folder = await folderFor(bench)
  const sample: object = JSON.parse(await readFile(join(ROOT, 'flows/datacube/fixtures/us-flights.json'), 'utf8'))
  for (;;) {
    const rows = describe('sample', 120_000, await measureDatacube(bench, folder, sample))
    for (const size of bench.quick ? [10_000] : REFERENCE.keys()) {
      rows.push(...describe(`${size.toLocaleString('en')} rows`, size, await measureRows(bench, folder, size)))
    }
    yield rows
  }
}

async function* grow(bench: Bench): AsyncGenerator<Row[]> {
  const folder = await folderFor(bench)
  const sizes = bench.quick ? [10_000] : [10_000, 100_000, 1_000_000, 10_000_000]
  for (;;) {
    const rows: Row[] = []
    for (const size of sizes) {
      const { seconds, files, peakMemory } = await measureRows(bench, folder, size)
      const name = `${size.toLocaleString('en')} rows`
      rows.push(
        { metric: `${name}: time of each`, value: (seconds * 1e6) / size, unit: 'µs', note: `${seconds.toFixed(1)} s` },
        { metric: `${name}: time of each file`, value: (seconds * 1e6) / files, unit: 'µs', note: `${files} files` },
        { metric: `${name}: most memory`, value: peakMemory / 1e6, unit: 'MB', bar: { under: 1000 } },
      )
    }
    yield rows
  }
}

async function folderFor(bench: Bench): Promise<string> {
  if (!existsSync(join(ROOT, 'flows/datacube/flow.ts'))) throw new SkippedError('there is no flow datacube')
  return bench.largeFolder()
}

async function measureRows(bench: Bench, folder: string, rows: number): Promise<Measurement> {
  const input = join(folder, `${rows}.parquet`)
  if (!existsSync(input)) await generateInput(input, rows)
  return measureDatacube(bench, folder, { model_id: 'bench', run_id: String(rows), data_paths: [input] })
}

function describe(name: string, rows: number, { files, seconds, cpuSeconds, peakMemory, alone }: Measurement): Row[] {
  const reference = REFERENCE.get(rows)
  return [
    {
      metric: `${name}: time`,
      value: seconds,
      unit: 's',
      ...(reference !== undefined && {
        bar: { under: reference / FASTER },
        note: `the pipeline before took ${reference} s`,
      }),
    },
    { metric: `${name}: rows`, value: rows / seconds, unit: 'rows/s' },
    { metric: `${name}: files`, value: files / seconds, unit: 'files/s', note: `${files} files` },
    { metric: `${name}: writing the files alone`, value: alone.seconds, unit: 's' },
    {
      metric: `${name}: time to that of writing alone`,
      value: seconds / alone.seconds,
      unit: 'x',
      ...(reference !== undefined && { bar: { under: 2 } }),
    },
    { metric: `${name}: processor time to that of writing alone`, value: cpuSeconds / alone.cpuSeconds, unit: 'x' },
    { metric: `${name}: most memory`, value: peakMemory / 1e6, unit: 'MB', bar: { under: 1000 } },
  ]
}
