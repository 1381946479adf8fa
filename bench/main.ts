import { mkdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchmarks } from './benchmarks.ts'
import { Bench, ROOT } from './harness/bench.ts'
import { type Benchmark, type BenchOptions, SkippedError } from './harness/benchmark.ts'
import { machine } from './harness/machine.ts'
import { waitForQuiet, watchOthers } from './harness/noise.ts'
import { type BenchmarkResult, formatResult, leastDisturbed, type Repetition, summarize } from './harness/results.ts'

const HELP = `Measures Millrace, and compares the numbers with the promises of docs/ (DESIGN, section 8).

  npm run bench                       everything but the peers
  npm run bench -- --only fan-out     one of them, or several: --only fan-out,growth
  npm run bench -- --peers            Dask and Prefect beside it, in the same minutes

  --list              name the benchmarks
  --only <names>      run these
  --quick             small sizes, to see that a benchmark works; its numbers mean nothing
  --peers             also measure Dask and Prefect (needs Python 3 and a package index)
  --alternatives      also measure pg-boss in place of our own queue (needs the npm registry)
  --patience <s>      before each repetition, wait up to so long for other programs to be quiet
  --calm <percent>    do again what other programs disturbed by more than this share of the processors (each benchmark
                      up to 4 times as often as else), and count the least disturbed
  --json <file>       where to write the results, in place of bench/results/
  --help`

const INTERRUPTED = 'interrupted'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    alternatives: { type: 'boolean', default: false },
    patience: { type: 'string', default: '0' },
    calm: { type: 'string', default: '100' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(HELP)
else if (values.list) console.log(benchmarks.map(({ name, what }) => `${name.padEnd(14)} ${what}`).join('\n'))
else await main(chosen(values.only))

function chosen(only: string | undefined): readonly Benchmark[] {
  if (only === undefined) return benchmarks
  const names = only.split(',')
  const unknown = names.find((name) => !benchmarks.some((each) => each.name === name))
  if (unknown !== undefined) {
    console.error(`there is no benchmark "${unknown}"; there are: ${benchmarks.map((each) => each.name).join(', ')}`)
    process.exit(2)
  }
  return benchmarks.filter(({ name }) => names.includes(name))
}

async function main(selected: readonly Benchmark[]): Promise<void> {
  const when = new Date().toISOString()
  const facts = machine()
  console.log(
    `${facts.processors} x ${facts.processor}, ${facts.memory} GB, ${facts.kernel}, Node ${facts.node}, ` +
      `Postgres ${facts.postgres}, commit ${facts.commit}${facts.changed ? ' with changes' : ''}, ` +
      `load ${loadavg()[0]?.toFixed(1)}`,
  )
  const file = values.json ?? join(ROOT, 'bench/results', `${when.slice(0, 19).replaceAll(':', '-')}.json`)
  mkdirSync(dirname(file), { recursive: true })
  const results: BenchmarkResult[] = []
  const afterAll = new AsyncDisposableStack()
  for (const benchmark of selected) {
    const result = await measure(benchmark, values, afterAll)
    console.log(formatResult(result))
    results.push(result)
    // Each time: what is measured is not lost when a later one is broken off.
    writeFileSync(file, `${JSON.stringify({ when, machine: facts, quick: values.quick, results }, null, 2)}\n`)
    if (result.error === INTERRUPTED) break
  }
  console.log(`\nwritten to ${file}`)
  await afterAll.disposeAsync()
  if (results.at(-1)?.error === INTERRUPTED) process.exit(130)
  process.exit(results.some(({ error }) => error !== undefined) ? 1 : 0)
}

async function measure(
  benchmark: Benchmark,
  options: BenchOptions,
  afterAll: AsyncDisposableStack,
): Promise<BenchmarkResult> {
  const { name, what } = benchmark
  const bench = new Bench(options, afterAll)
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  const began = performance.now()
  const wanted = options.quick ? 2 : benchmark.repetitions
  const all: Repetition[] = []
  let outcome: Pick<BenchmarkResult, 'skipped' | 'error'> = {}
  try {
    for await (const repetition of repeat(benchmark, bench, interrupted.signal)) {
      all.push(repetition)
      const { others = 0 } = repetition
      console.error(`${name}: repetition ${all.length}, others took ${Math.round(others * 100)} %`)
      const calm = all.filter((each) => (each.others ?? 0) * 100 <= Number(values.calm))
      if (calm.length >= wanted || all.length >= 4 * wanted) break
    }
    if (interrupted.signal.aborted) outcome = { error: INTERRUPTED }
  } catch (error) {
    if (error instanceof SkippedError) outcome = { skipped: error.message }
    else outcome = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
  await bench.close()
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  const counting = leastDisturbed(all, wanted)
  return {
    name,
    what,
    seconds: (performance.now() - began) / 1000,
    others: counting.map(({ others }) => others),
    disturbed: all.length - counting.length,
    rows: summarize(counting),
    ...outcome,
  }
}

async function* repeat(benchmark: Benchmark, bench: Bench, interrupted: AbortSignal): AsyncGenerator<Repetition> {
  const going = benchmark.run(bench)[Symbol.asyncIterator]()
  const stop = new Promise<undefined>((resolve) => {
    interrupted.addEventListener('abort', () => resolve(undefined))
  })
  for (;;) {
    await waitForQuiet(Number(values.patience), interrupted)
    const others = watchOthers()
    const pending = going.next()
    // What it waits for is taken away from it when the benchmark is closed.
    pending.catch(() => {})
    const next = await Promise.race([pending, stop])
    if (!next || next.done) return
    yield { rows: next.value, others: others() }
  }
}
