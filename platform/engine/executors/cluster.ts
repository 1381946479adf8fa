import { setTimeout as sleep } from 'node:timers/promises'
import { CancelledError } from '@millrace/sdk'
import type { Session } from '../postgres/database.ts'
import { CHANNEL } from '../postgres/locks.ts'
import { cancelTasks, enqueue, outcomes, parseRanges, type QueuedTask, type SlotNeeds } from '../postgres/queue.ts'
import { type ReaperOptions, startReaper } from '../postgres/reaper.ts'
import type { PostgresStore } from '../postgres/run-store.ts'
import { liveWorkers } from '../postgres/workers.ts'
import type { Outcome } from '../slots/call.ts'
import { asBytes } from '../values/codec.ts'
import { toFailure } from '../values/failure.ts'
import type { Executor, ExecutorCall, TaskNews } from './executor.ts'

const LARGEST_INSERT = 1000
/** Inserts under way at once: the next is made ready while the database works. */
const INSERTS = 2
/** Nothing came back for so long (ms): see whether there are workers at all. */
const SILENCE = 3000

/** Runs tasks on the workers of a cluster, over Postgres. */
export async function clusterExecutor(
  runId: string,
  store: PostgresStore,
  news: TaskNews,
  reaper: ReaperOptions = {},
): Promise<Executor> {
  const executor = new ClusterExecutor(await store.number(runId), runId, store, news, reaper)
  await executor.start()
  return executor
}

class ClusterExecutor implements Executor {
  readonly kind = 'cluster'
  readonly window = 20_000
  readonly records = true
  private readonly run_: number
  private readonly runId: string
  private readonly store: PostgresStore
  private readonly news: TaskNews
  private readonly reaper: ReaperOptions
  private readonly open = new Map<number, { call: ExecutorCall; done: (outcome: Outcome) => void }>()
  private readonly sharedPut = new Map<string, Promise<string>>()
  private readonly outbox: ExecutorCall[] = []
  private readonly unread = new Set<number>()
  private session: Session | undefined
  private stopReaper: (() => void) | undefined
  private inserting = 0
  private reading = false
  private flushing = false
  private heard = Date.now()
  private warned = ''
  private lastLog = 0
  private readingLogs = Promise.resolve()
  private silence: NodeJS.Timeout | undefined
  private closed = false

  constructor(run: number, runId: string, store: PostgresStore, news: TaskNews, reaper: ReaperOptions) {
    this.reaper = reaper
    this.run_ = run
    this.runId = runId
    this.store = store
    this.news = news
  }

  async start(): Promise<void> {
    this.session = await this.store.database.session({
      channels: [CHANNEL.run(this.run_)],
      name: `millrace driver ${this.runId}`,
      onNotify: (_channel, payload) => this.receive(payload),
      onReconnect: () => this.catchUp(),
      onGone: (error) => this.news.broken(error),
    })
    this.stopReaper = startReaper(this.store.database, (dead) => this.news.warn(`worker ${dead} is gone`), this.reaper)
    this.silence = setInterval(() => void this.checkWorkers().catch(() => {}), SILENCE)
    this.silence.unref()
  }

  run(call: ExecutorCall, done: (outcome: Outcome) => void): void {
    this.open.set(call.seq, { call, done })
    this.outbox.push(call)
    this.flushSoon()
  }

  cancel(reason: string, seq?: number): void {
    const failure = toFailure(new CancelledError(reason))
    const seqs = seq === undefined ? undefined : [seq]
    // What was not sent yet need not be.
    const time = Date.now()
    for (const call of this.outbox.splice(0)) {
      if (seq !== undefined && call.seq !== seq) this.outbox.push(call)
      else this.settle(call.seq, { state: 'Cancelled', failure, started: time, ended: time })
    }
    if (this.open.size === 0) return
    cancelTasks(this.store.database, this.run_, failure, seqs).catch((error: Error) => this.news.broken(error))
  }

  async close(): Promise<void> {
    if (this.session?.connected) await this.readLogs()
    this.closed = true
    clearInterval(this.silence)
    this.stopReaper?.()
    await this.session?.close()
  }

  private receive(payload: string): void {
    const [kind, rest = ''] = payload.split(' ', 2)
    if (kind === 'done') {
      const seqs = parseRanges(rest) ?? this.open.keys()
      for (const seq of seqs) if (this.open.has(seq)) this.unread.add(seq)
      void this.readOutcomes()
    } else if (kind === 'progress') {
      const [, seq = '', done = '', total = '', unit = ''] = payload.split(' ')
      const entry = this.open.get(Number(seq))
      if (!entry) return
      this.news.progress(Number(seq), entry.call.task, {
        done: Number(done),
        ...(total && { total: Number(total) }),
        ...(unit && { unit }),
      })
    } else if (kind === 'logs') void this.readLogs()
  }

  /** The connection was away: put in again what may not have arrived, and read what was missed. */
  private catchUp(): void {
    const waiting = new Set(this.outbox.map((call) => call.seq))
    for (const [seq, { call }] of this.open) if (!waiting.has(seq)) this.outbox.push(call)
    this.flushSoon()
    for (const seq of this.open.keys()) this.unread.add(seq)
    void this.readOutcomes()
    void this.readLogs()
  }

  private flushSoon(): void {
    if (this.flushing) return
    this.flushing = true
    setImmediate(() => {
      this.flushing = false
      this.flush()
    })
  }

  private flush(): void {
    while (this.outbox.length > 0 && this.inserting < INSERTS && !this.closed) {
      const calls = this.outbox.splice(0, LARGEST_INSERT)
      this.inserting++
      this.insert(calls)
        .catch((error: Error) => this.news.broken(error))
        .finally(() => {
          this.inserting--
          this.flush()
        })
    }
  }

  private async insert(calls: readonly ExecutorCall[]): Promise<void> {
    const tasks: QueuedTask[] = []
    for (const call of calls) {
      const { options } = call.definition
      if (call.shared) await this.putShared(call.shared)
      tasks.push({
        seq: call.seq,
        key: call.key,
        task: call.task,
        attempt: call.attempt,
        priority: options.priority,
        labels: options.labels,
        args: await this.spill(call.args),
        shared: call.shared?.hash,
        slot: slotNeeds(call),
      })
    }
    await enqueue(this.store.database, this.run_, tasks)
  }

  private spill(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return this.store.values.spill(this.run_, bytes)
  }

  private async putShared(shared: { hash: string; bytes: Uint8Array }): Promise<void> {
    const put = this.sharedPut.get(shared.hash) ?? this.store.values.put(this.run_, shared.bytes)
    this.sharedPut.set(shared.hash, put)
    await put
  }

  /** Reads finished tasks, all that are known of at once; what comes meanwhile is read next. */
  private async readOutcomes(): Promise<void> {
    if (this.reading) return
    this.reading = true
    try {
      while (this.unread.size > 0 && !this.closed) {
        const seqs = [...this.unread].slice(0, 2000)
        for (const seq of seqs) this.unread.delete(seq)
        for (const row of await outcomes(this.store.database, this.run_, seqs)) {
          const entry = this.open.get(row.seq)
          if (!entry || entry.call.attempt !== row.attempt) continue
          const result = row.result ? asBytes(await this.store.values.restore(this.run_, row.result)) : undefined
          const state = row.state as Outcome['state']
          this.settle(row.seq, { state, result, failure: row.failure ?? undefined, started: 0, ended: 0 })
        }
      }
    } catch (error) {
      if (!this.closed) this.news.broken(error as Error)
    } finally {
      this.reading = false
    }
  }

  private settle(seq: number, outcome: Outcome): void {
    const entry = this.open.get(seq)
    if (!entry) return
    this.heard = Date.now()
    this.open.delete(seq)
    entry.done(outcome)
  }

  /** Passes on what tasks logged on the workers. */
  private readLogs(): Promise<void> {
    this.readingLogs = this.readingLogs.then(() => this.readNewLogs())
    return this.readingLogs
  }

  private async readNewLogs(): Promise<void> {
    try {
      for (;;) {
        const lines = await this.store.logs(this.runId, { after: this.lastLog, limit: 500 })
        for (const { id, source, ...entry } of lines) {
          this.lastLog = id
          if (/-\d+$/.test(source)) this.news.log(source, entry)
        }
        if (lines.length < 500) return
      }
    } catch {
      // The next notification, or the reconnect, reads them.
    }
  }

  /** Every few seconds of silence: are there workers, and do they have the labels that are asked for? */
  private async checkWorkers(): Promise<void> {
    if (this.open.size === 0 || Date.now() - this.heard < SILENCE) return
    const workers = await liveWorkers(this.store.database)
    const labels = [...new Set([...this.open.values()].flatMap(({ call }) => call.definition.options.labels))]
    const lacking = labels.filter((label) => !workers.some((worker) => worker.labels.includes(label)))
    let warning = ''
    if (workers.length === 0) warning = 'waiting: no worker is connected; start one with: millrace worker start'
    else if (lacking.length > 0)
      warning = `waiting: none of the ${workers.length} workers has the label ${lacking.join(', ')}`
    if (warning && warning !== this.warned) this.news.warn(warning)
    this.warned = warning
    // A notification may be lost with a connection that broke unseen.
    for (const seq of this.open.keys()) this.unread.add(seq)
    await this.readOutcomes()
    await sleep(0)
  }
}

function slotNeeds(call: ExecutorCall): SlotNeeds | undefined {
  const { timeout, memory, io } = call
  if (timeout === undefined && memory === undefined && !io) return undefined
  return { ...(timeout !== undefined && { timeout }), ...(memory !== undefined && { memory }), ...(io && { io }) }
}
