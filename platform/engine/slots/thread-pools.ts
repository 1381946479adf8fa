import type { Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import type { FlowSource } from '../flow-source.ts'
import type { Batch, ThreadData } from './batch.ts'

/** Threads of a flow that has had nothing to do for this long (ms) are given up. */
const IDLE_THREAD = 30_000

export interface ThreadPoolOptions {
  readonly root: string
  readonly count: number
  /** Bytes. */
  readonly memory: number | undefined
}

interface Pool {
  readonly piscina: Promise<Piscina>
  /** Batches that run, or are about to. */
  users: number
}

/** Threads with the code of a flow loaded: a pool for each version of each flow that is being run. */
export class ThreadPools {
  private readonly options: ThreadPoolOptions
  private readonly pools = new Map<string, Pool>()

  constructor(options: ThreadPoolOptions) {
    this.options = options
  }

  /** Runs a batch on a thread, a new one if need be. @param signal ends the thread */
  async run(source: FlowSource, batch: Batch, signal: AbortSignal): Promise<void> {
    const pool = this.pool(source)
    pool.users++
    try {
      await (await pool.piscina).run(batch, { transferList: [batch.port], signal })
    } finally {
      pool.users--
    }
  }

  /** Starts a thread, and lets it load the flow; what goes wrong is seen again by the first batch. */
  async warm(source: FlowSource): Promise<void> {
    await (await this.pool(source).piscina).run(undefined).catch(() => {})
  }

  async thread(source: FlowSource, id: number): Promise<Worker | undefined> {
    return (await this.pools.get(source.digest)?.piscina)?.threads.find(({ threadId }) => threadId === id)
  }

  async close(): Promise<void> {
    const pools = [...this.pools.values()]
    this.pools.clear()
    await Promise.all(pools.map(async ({ piscina }) => (await piscina).destroy()))
  }

  private pool(source: FlowSource): Pool {
    const known = this.pools.get(source.digest)
    if (known) return known
    const made = { piscina: this.makePool(source), users: 0 }
    this.pools.set(source.digest, made)
    void this.forgetIdle(source)
    return made
  }

  /** A flow whose code changed leaves a pool behind, whose threads end after a while without work. */
  private async forgetIdle(but: FlowSource): Promise<void> {
    for (const [digest, pool] of this.pools) {
      const piscina = await pool.piscina
      if (digest === but.digest || pool.users > 0 || piscina.threads.length > 0) continue
      this.pools.delete(digest)
      await piscina.destroy()
    }
  }

  private async makePool(source: FlowSource): Promise<Piscina> {
    const { root, count, memory } = this.options
    const { Piscina } = await import('piscina')
    return new Piscina({
      filename: new URL('./thread.ts', import.meta.url).href,
      minThreads: 0,
      maxThreads: count,
      idleTimeout: IDLE_THREAD,
      // A thread that waits on an atomic cannot answer its open connections.
      atomics: 'disabled',
      recordTiming: false,
      workerData: { root, source } satisfies ThreadData,
      ...(memory && { resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memory / 2 ** 20) } }),
    })
  }
}
