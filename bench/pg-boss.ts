import type { Bench } from './harness/bench.ts'
import { type Benchmark, type Row, SkippedError } from './harness/benchmark.ts'
import { type Showing, show } from './harness/contender.ts'
import { ourselves } from './harness/ourselves.ts'
import { pgBossCluster } from './pg-boss/cluster.ts'
import { installPgBoss } from './pg-boss/install.ts'

export const pgBoss: Benchmark = {
  name: 'pg-boss',
  what: 'our own queue beside pg-boss with a journal row a task, two one-slot workers each, on the same Postgres',
  repetitions: 5,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  if (!bench.options.alternatives) throw new SkippedError('asked for with --alternatives')
  const module = await installPgBoss(bench)
  const sizes = { tasks: bench.size(10_000, 1000), single: bench.size(200, 50) }
  for (;;) {
    const ours = await measure(await ourselves(bench), sizes)
    const theirs = await measure(await pgBossCluster(bench, module), sizes)
    yield [
      ...rows('own queue', ours),
      ...rows('pg-boss', theirs),
      { metric: 'own queue : pg-boss, 10,000 tasks', value: ours.rate / theirs.rate, unit: 'x' },
      { metric: 'own queue : pg-boss, one task', value: theirs.p50 / ours.p50, unit: 'x' },
    ]
  }
}

async function measure(
  contender: Awaited<ReturnType<typeof ourselves>>,
  sizes: Parameters<typeof show>[1],
): Promise<Showing> {
  await using open = contender
  return await show(open, sizes)
}

function rows(who: string, { rate, p50, p95, forty }: Showing): Row[] {
  return [
    { metric: `${who}: 10,000 tasks`, value: rate, unit: 'tasks/s' },
    { metric: `${who}: 40 tasks`, value: forty, unit: 'ms' },
    { metric: `${who}: one task, p50`, value: p50, unit: 'ms' },
    { metric: `${who}: one task, p95`, value: p95, unit: 'ms' },
  ]
}
