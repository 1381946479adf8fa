import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Bench } from '../harness/bench.ts'
import type { Contender } from '../harness/contender.ts'
import { loadPgBoss } from './install.ts'
import { CREATE_JOURNAL, channelOf, QUEUE } from './journal.ts'

const LARGEST_INSERT = 1000

/**
 * The cluster as it would be on pg-boss, with two workers. It does less than ours: tasks run on the worker's only
 * thread, results are read once when all are there, a job's completion and its journal row are two transactions, and
 * there is no fence against a worker that was taken for dead.
 */
export async function pgBossCluster(bench: Bench, module: string): Promise<Contender> {
  const connectionString = await bench.database()
  const pool = new pg.Pool({ connectionString, max: 4 })
  pool.on('error', () => {})
  await pool.query(CREATE_JOURNAL)
  const PgBoss = await loadPgBoss(module)
  const boss = new PgBoss({ connectionString, max: 4, supervise: false, schedule: false })
  boss.on('error', () => {})
  await boss.start()
  await boss.createQueue(QUEUE, { notify: true })
  const file = fileURLToPath(new URL('./worker.ts', import.meta.url))
  const start = async (): Promise<() => Promise<unknown>> => {
    const worker = bench.node([file, module], { env: { MILLRACE_DATABASE: connectionString } })
    await worker.nextLine()
    return () => {
      worker.kill('SIGKILL')
      return worker.exited
    }
  }
  const workers = await Promise.all([start(), start()])
  let runs = 0
  const open = async (): Promise<Run> => Run.open(++runs, connectionString, pool, boss)
  return {
    async map(count) {
      await using run = await open()
      const began = performance.now()
      await run.add(0, count)
      await run.until(count)
      check(await run.results(0, count), 0, count)
      return performance.now() - began
    },
    async inTurn(count) {
      await using run = await open()
      const took: number[] = []
      for (let seq = 0; seq < count; seq++) {
        const began = performance.now()
        await run.add(seq, 1)
        await run.until(seq + 1)
        check(await run.results(seq, 1), seq, 1)
        took.push(performance.now() - began)
      }
      return took
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((stop) => stop()))
      await boss.stop({ graceful: false })
      await pool.end()
    },
  }
}

/** What the driver of one run does: puts tasks in, waits for the word that they are done, reads results. */
class Run implements AsyncDisposable {
  private readonly number: number
  private readonly pool: pg.Pool
  private readonly listener: pg.Client
  private readonly boss: { insert(queue: string, jobs: { data: { run: number; seq: number } }[]): Promise<unknown> }
  private done = 0
  private wake = (): void => {}

  private constructor(number: number, listener: pg.Client, pool: pg.Pool, boss: Run['boss']) {
    this.number = number
    this.listener = listener
    this.pool = pool
    this.boss = boss
    listener.on('notification', ({ payload }) => {
      this.done += Number(payload)
      this.wake()
    })
  }

  static async open(number: number, connectionString: string, pool: pg.Pool, boss: Run['boss']): Promise<Run> {
    const listener = new pg.Client({ connectionString })
    // When the benchmark is broken off, the server goes first.
    listener.on('error', () => {})
    await listener.connect()
    await listener.query(`listen ${channelOf(number)}`)
    return new Run(number, listener, pool, boss)
  }

  async add(first: number, count: number): Promise<void> {
    for (let from = first; from < first + count; from += LARGEST_INSERT) {
      const length = Math.min(LARGEST_INSERT, first + count - from)
      await this.boss.insert(
        QUEUE,
        Array.from({ length }, (_, i) => ({ data: { run: this.number, seq: from + i } })),
      )
    }
  }

  async until(count: number): Promise<void> {
    while (this.done < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }

  async results(first: number, count: number): Promise<Map<number, number>> {
    const { rows } = await this.pool.query<{ seq: number; result: Buffer }>({
      name: 'results',
      text: 'select seq, result from journal where run = $1 and seq >= $2 and seq < $3',
      values: [this.number, first, first + count],
    })
    return new Map(rows.map(({ seq, result }) => [seq, Number(JSON.parse(result.toString()))]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.listener.end()
  }
}

function check(results: ReadonlyMap<number, number>, first: number, count: number): void {
  for (let seq = first; seq < first + count; seq++) {
    if (results.get(seq) !== seq + 1) throw new Error(`inc(${seq}) gave ${results.get(seq)}`)
  }
}
