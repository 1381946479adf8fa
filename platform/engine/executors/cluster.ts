import { CancelledError } from '@millrace/sdk'
import { CHANNEL } from '../postgres/locks.ts'
import { cancelTasks, outcomes } from '../postgres/queue.ts'
import { parseRanges } from '../postgres/ranges.ts'
import { type ReaperOptions, startReaper } from '../postgres/reaper.ts'
import type { PostgresStore } from '../postgres/run-store.ts'
import type { Session } from '../postgres/session.ts'
import type { Outcome } from '../slots/call.ts'
import { asBytes } from '../values/codec.ts'
import { type Failure, toFailure } from '../values/failure.ts'
import { ClusterInbox } from './cluster-inbox.ts'
import { ClusterLogs } from './cluster-logs.ts'
import { missingWorkers } from './cluster-workers.ts'
import type { Executor, ExecutorCall, TaskNews } from './executor.ts'

/** Nothing came back for so long (ms): see whether there are workers at all. */
const SILENCE = 2000
/** Results (bytes) to read at once, as far as their size is known. */
const READ_BYTES = 16 * 2 ** 20
const MOST_READ = 2000
/** Cancelled together: their numbers fit into a notification. */
const MOST_CANCELLED = 800

interface OpenCall {
  readonly call: ExecutorCall
  readonly done: (outcome: Outcome) => void
  /** It was told to stop, and why. */
  cancelled?: Failure
}

/** Runs tasks on the workers of a cluster, over Postgres. */
export async function clusterExecutor(
  runId: string,
  store: PostgresStore,
  news: TaskNews,
  reaper: ReaperOptions = {},
): Promise<Executor> {
  const executor = new ClusterExecutor(await store.number(runId), runId, store, news)
  await executor.start(reaper)
  return executor
}

class ClusterExecutor implements Executor {
  readonly kind = 'cluster'
  readonly window = 20_000
  readonly records = true
  private readonly no: number
  private readonly runId: string
  private readonly store: PostgresStore
  private readonly news: TaskNews
  private readonly open = new Map<number, OpenCall>()
  private readonly inbox: ClusterInbox
  private readonly logs: ClusterLogs
  /** Numbers of calls that are said to be over. */
  private readonly unread = new Set<number>()
  private session: Session | undefined
  private stopReaper: (() => void) | undefined
  private reading = false
  private meanSize = 100
  private heard = Date.now()
  private warned = ''
  private silence: NodeJS.Timeout | undefined
  private closed = false

  constructor(no: number, runId: string, store: PostgresStore, news: TaskNews) {
    this.no = no
    this.runId = runId
    this.store = store
    this.news = news
    this.logs = new ClusterLogs(no, store.database, news)
    this.inbox = new ClusterInbox(no, store, {
      inserted: (calls) => this.inserted(calls),
      broken: (error) => this.broken(error),
    })
  }

  async start(reaper: ReaperOptions): Promise<void> {
    await this.logs.start()
    this.session = await this.store.database.session({
      channels: [CHANNEL.run(this.no)],
      name: `millrace tasks of ${this.runId}`,
      onNotify: (_channel, payload) => this.receive(payload),
      onReconnect: () => this.catchUp(),
      onGone: (error) => this.broken(error),
    })
    this.stopReaper = startReaper(this.store.database, (dead) => this.news.warn(`worker ${dead} is gone`), reaper)
    this.silence = setInterval(() => void this.checkWorkers().catch(() => {}), SILENCE)
    this.silence.unref()
  }

  run(call: ExecutorCall, done: (outcome: Outcome) => void): void {
    this.open.set(call.seq, { call, done })
    this.inbox.add(call)
  }

  cancel(reason: string, seqs?: ReadonlySet<number>): void {
    const failure = toFailure(new CancelledError(reason))
    const time = Date.now()
    // What was not sent yet need not be.
    for (const { seq } of this.inbox.remove(({ seq }) => !seqs || seqs.has(seq))) {
      this.settle(seq, { state: 'Cancelled', failure, started: time, ended: time })
    }
    const hit = seqs ? [...seqs].filter((seq) => this.open.has(seq)) : [...this.open.keys()]
    if (hit.length === 0) return
    for (const seq of hit) (this.open.get(seq) as OpenCall).cancelled = failure
    this.sendCancel(failure, seqs ? hit : undefined)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    clearInterval(this.silence)
    this.stopReaper?.()
    this.inbox.close()
    await this.logs.finish()
    await this.session?.close()
  }

  private broken(error: Error): void {
    if (!this.closed) this.news.broken(error)
  }

  private sendCancel(failure: Failure, seqs?: readonly number[]): void {
    const parts: (readonly number[] | undefined)[] = seqs ? [] : [undefined]
    for (let i = 0; seqs && i < seqs.length; i += MOST_CANCELLED) parts.push(seqs.slice(i, i + MOST_CANCELLED))
    for (const part of parts) {
      cancelTasks(this.store.database, this.no, failure, part).catch((error: Error) => this.broken(error))
    }
  }

  /** Calls are in the queue now. Those that were cancelled on the way there have to be cancelled again. */
  private inserted(calls: readonly ExecutorCall[]): void {
    const late = calls.filter(({ seq }) => this.open.get(seq)?.cancelled)
    const failure = late[0] && this.open.get(late[0].seq)?.cancelled
    if (failure)
      this.sendCancel(
        failure,
        late.map(({ seq }) => seq),
      )
    // An earlier driver's attempt may be over long since.
    for (const { seq, adopted } of calls) if (adopted) this.unread.add(seq)
    if (this.unread.size > 0) void this.readOutcomes()
  }

  private receive(payload: string): void {
    const [kind, rest = ''] = payload.split(' ', 2)
    if (kind === 'done') this.lookAt(parseRanges(rest) ?? this.open.keys())
    else if (kind === 'logs') void this.logs.read()
    else if (kind === 'progress') {
      const [, seq = '', done = '', total = '', unit = ''] = payload.split(' ')
      const entry = this.open.get(Number(seq))
      if (!entry) return
      this.news.progress(Number(seq), entry.call.task, {
        done: Number(done),
        ...(total && { total: Number(total) }),
        ...(unit && { unit }),
      })
    }
  }

  private lookAt(seqs: Iterable<number>): void {
    for (const seq of seqs) if (this.open.has(seq)) this.unread.add(seq)
    void this.readOutcomes()
  }

  /** The connection was away: put in again what may not have arrived, and read what was missed. */
  private catchUp(): void {
    for (const { call } of this.open.values()) this.inbox.add(call)
    this.lookAt(this.open.keys())
    void this.logs.read()
  }

  /** Reads finished tasks, all that are known of at once; what comes meanwhile is read next. */
  private async readOutcomes(): Promise<void> {
    if (this.reading) return
    this.reading = true
    try {
      while (this.unread.size > 0 && !this.closed) {
        const most = Math.max(1, Math.min(MOST_READ, Math.floor(READ_BYTES / this.meanSize)))
        const seqs: number[] = []
        for (const seq of this.unread) {
          if (seqs.length === most) break
          seqs.push(seq)
        }
        for (const seq of seqs) this.unread.delete(seq)
        let bytes = 0
        const rows = await outcomes(this.store.database, this.no, seqs)
        for (const row of rows) {
          bytes += row.result?.byteLength ?? 0
          const entry = this.open.get(row.seq)
          if (!entry || entry.call.attempt !== row.attempt) continue
          const result = row.result ? asBytes(await this.store.values.restore(this.no, row.result)) : undefined
          const state = row.state as Outcome['state']
          const failure = row.failure ?? undefined
          this.settle(row.seq, { state, result, failure, started: row.started, ended: row.ended })
        }
        if (rows.length > 0) this.meanSize = Math.max(100, (this.meanSize + bytes / rows.length) / 2)
      }
    } catch (error) {
      this.broken(error as Error)
    } finally {
      this.reading = false
    }
  }

  private settle(seq: number, outcome: Outcome): void {
    const entry = this.open.get(seq)
    if (!entry) return
    this.heard = Date.now()
    this.open.delete(seq)
    // A row that was cancelled without a reason was so by the store, when its run was taken up or ended.
    const { cancelled } = entry
    entry.done(outcome.state === 'Cancelled' && cancelled ? { ...outcome, failure: cancelled } : outcome)
  }

  /** Every few seconds of silence: are there workers, and do they have the labels that are asked for? */
  private async checkWorkers(): Promise<void> {
    if (this.open.size === 0 || Date.now() - this.heard < SILENCE || this.closed) return
    const warning = await missingWorkers(
      this.store.database,
      this.no,
      [...this.open.values()].map(({ call }) => call),
    )
    if (warning && warning !== this.warned) this.news.warn(warning)
    this.warned = warning
    // A notification may be lost with a connection that broke unseen.
    this.lookAt(this.open.keys())
  }
}
