import { join } from 'node:path'
import type { ExecutorKind, PostgresStore } from '@millrace/engine'
import type { Bench } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { startDriver } from './harness/driver.ts'
import { now, readStamps, untilStamps } from './harness/stamps.ts'

const FLOW = ['bench/flows/stamp.ts', 'bench-stamp'] as const

export const driverKilled: Benchmark = {
  name: 'driver-killed',
  what: 'a driver is killed (-9) in the middle of its run, and another is started for it at once',
  repetitions: 5,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const cluster = await bench.cluster({ workers: 2, slots: 1 })
  for (;;) {
    yield [
      ...(await killAndResume(bench, cluster.store, 'cluster')),
      ...(await killAndResume(bench, cluster.store, 'threads')),
    ]
  }
}

async function killAndResume(bench: Bench, store: PostgresStore, executor: ExecutorKind): Promise<Row[]> {
  const items = bench.size(500, 50)
  const file = join(await bench.folder(), 'stamps')
  const database = store.database.url
  const driver = startDriver(bench, { database, executor, flow: FLOW, params: { items, ms: 5, file, stages: 2 } })
  await Promise.race([
    untilStamps(file, (stamps) => stamps.length > items),
    driver.done().then(() => {
      throw new Error('the driver ended before it could be killed')
    }),
  ])
  driver.kill('SIGKILL')
  await driver.exited
  const { runs } = await store.listRuns({ limit: 1 })
  const id = runs[0]?.id ?? ''
  const finished = await finishedItems(store, id, items)
  const restarted = now()
  await startDriver(bench, { database, executor, flow: FLOW, run: id }).done()
  const ended = now()
  const stamps = readStamps(file)
  const begun = stamps.filter(({ what, time }) => what === 'start' && time > restarted)
  const again = begun.filter(({ stage, item }) => finished.has(`${stage}/${item}`))
  const complete = new Set(stamps.filter(({ what }) => what === 'end').map(({ stage, item }) => `${stage}/${item}`))
  if (complete.size !== 2 * items) throw new Error(`${complete.size} of ${2 * items} tasks ran`)
  // On a cluster the workers go on with what was queued meanwhile: the restarted driver's own are of the second map.
  const own = begun.filter(({ stage }) => executor === 'threads' || stage === 2)
  return [
    {
      metric: `${executor}: finished tasks that ran again`,
      value: again.length,
      unit: 'tasks',
      bar: { exactly: 0 },
      note: `about half of ${2 * items} were finished`,
    },
    {
      metric: `${executor}: new process to its first new task`,
      value: Math.min(...own.map(({ time }) => time)) - restarted,
      unit: 'ms',
      ...(executor === 'cluster' && { note: 'what the workers still had in their queue runs first' }),
    },
    { metric: `${executor}: new process to the end of the run`, value: ended - restarted, unit: 'ms' },
  ]
}

/** Tasks that the journal has, as stage/item. Calls are numbered in their order, from 0. */
async function finishedItems(store: PostgresStore, id: string, items: number): Promise<ReadonlySet<string>> {
  const journal = await store.journal(id)
  const finished = journal.filter(({ state }) => state === 'Completed')
  return new Set(finished.map(({ seq }) => (seq < items ? `1/${seq}` : `2/${seq - items}`)))
}
