import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stamp } from './flows/stamp.ts'
import type { Bench } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { benchFlow, runFlow } from './harness/flow.ts'
import { now, readStamps, untilStamps } from './harness/stamps.ts'

const WORKERS = 2
/** Tasks that run when a worker is killed; the other has room for all of them. */
const TASKS = 4

export const workerKilled: Benchmark = {
  name: 'worker-killed',
  what: 'a worker is killed (-9): how long until the tasks it ran start on another',
  repetitions: 10,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const flow = await benchFlow('stamp')
  const folder = await bench.folder()
  const cluster = await bench.cluster({ workers: WORKERS, slots: TASKS })
  const { store } = cluster
  // A database that was just started gives everybody 5 s to come back to it.
  await sleep(6000)
  for (let i = 0; ; i++) {
    await runFlow(flow, { store, executor: 'cluster', params: { items: 40, ms: 10, file: join(folder, `${i}-warm`) } })
    const file = join(folder, `${i}`)
    const going = runFlow(flow, { store, executor: 'cluster', params: { items: TASKS, ms: 1500, file } })
    going.catch(() => {})
    const before = await untilStamps(file, (stamps) => stamps.length === TASKS)
    const victim = busiest(before)
    const killed = now()
    process.kill(victim, 'SIGKILL')
    const lost = before.filter(({ pid }) => pid === victim).map(({ item }) => item)
    await going
    const again = lost.map((item) => startedElsewhere(readStamps(file), item, victim) - killed)
    yield [
      { metric: 'until the first of its tasks runs again', value: Math.min(...again), unit: 'ms' },
      { metric: 'until all of them do', value: Math.max(...again), unit: 'ms', bar: { under: 500 } },
    ]
    await cluster.add(WORKERS)
  }
}

/** Process id of the worker that has most of the tasks. */
function busiest(stamps: readonly Stamp[]): number {
  const groups = [...Map.groupBy(stamps, ({ pid }) => pid)]
  const [pid = 0] = groups.sort(([, one], [, other]) => other.length - one.length)[0] ?? []
  return pid
}

function startedElsewhere(stamps: readonly Stamp[], item: number, victim: number): number {
  const found = stamps.find((stamp) => stamp.item === item && stamp.what === 'start' && stamp.pid !== victim)
  if (!found) throw new Error(`task ${item} of the killed worker never ran elsewhere`)
  return found.time
}
