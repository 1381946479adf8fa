import { setTimeout as sleep } from 'node:timers/promises'
import { liveWorkers, PostgresStore } from '@millrace/engine'
import type { Bench } from './bench.ts'
import type { Child } from './child.ts'

/** A database of its own and workers that are processes of `millrace worker start`. */
export class Cluster implements AsyncDisposable {
  readonly url: string
  readonly store: PostgresStore
  private readonly bench: Bench
  private readonly slots: number
  private readonly workers = new Set<Child>()
  private started = 0
  private closed = false

  private constructor(bench: Bench, url: string, store: PostgresStore, slots: number) {
    this.bench = bench
    this.url = url
    this.store = store
    this.slots = slots
  }

  static async open(bench: Bench, { workers = 2, slots = 1 }: { workers?: number; slots?: number }): Promise<Cluster> {
    const url = await bench.database()
    const cluster = new Cluster(bench, url, await PostgresStore.open(url), slots)
    for (let i = 0; i < workers; i++) cluster.start()
    await cluster.ready(workers)
    return cluster
  }

  /** Starts a worker more, and waits until `count` are there. */
  async add(count: number): Promise<void> {
    this.start()
    await this.ready(count)
  }

  /** Ends the workers at once, and the connections. The database stays until the benchmark is over. */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    const workers = [...this.workers]
    for (const worker of workers) worker.kill('SIGKILL')
    await Promise.all(workers.map((worker) => worker.exited))
    await this.store.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private start(): void {
    const name = `bench-${++this.started}`
    const worker = this.bench.millrace(['worker', 'start', '--slots', String(this.slots), '--name', name], {
      // Supervised, it ends when this process does, however that happens.
      env: { MILLRACE_WORKERS: this.url, MILLRACE_SUPERVISED: '1' },
    })
    this.workers.add(worker)
    void worker.exited.then(() => this.workers.delete(worker))
  }

  private async ready(count: number): Promise<void> {
    const failed = Promise.race(
      [...this.workers].map(async (worker) => {
        await worker.done()
        throw new Error('a worker ended before it was asked to')
      }),
    )
    failed.catch(() => {})
    const come = async (): Promise<void> => {
      for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) {
        if ((await liveWorkers(this.store.database)).length === count) return
      }
      throw new Error(`there were not ${count} workers within 30 s`)
    }
    await Promise.race([come(), failed])
  }
}
