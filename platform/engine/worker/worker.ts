import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type pg from 'pg'
import type { FlowSource } from '../flow-source.ts'
import { Database } from '../postgres/database.ts'
import { CHANNEL } from '../postgres/locks.ts'
import { type ClaimedTask, isSuspect, release } from '../postgres/queue.ts'
import { parseRanges } from '../postgres/ranges.ts'
import { DEFAULT_LEASE, type ReaperOptions, startReaper } from '../postgres/reaper.ts'
import type { Session } from '../postgres/session.ts'
import { LargeValues } from '../postgres/values.ts'
import type { Job } from '../slots/job.ts'
import { stopped } from '../slots/run-call.ts'
import { Slots } from '../slots/slots.ts'
import { Claimer } from './claimer.ts'
import { type Claim, Claims } from './claims.ts'
import { News } from './news.ts'
import { Outbox } from './outbox.ts'
import { OwnRun, type OwnRunOptions } from './own-run.ts'
import { clusterPool, runPool } from './pool.ts'
import { connectionName, reclaim, register } from './registration.ts'
import { type RunSource, RunSources } from './run-sources.ts'

/** Work claimed ahead (ms), so that no slot waits for the database; more would be unfair to other workers and runs. */
const AHEAD = 40
const POLL = 1000
/** A worker reports itself so many times in the time after which it would be taken for stalled. */
const REPORTS = 5

export interface WorkerOptions {
  /** Where the engine's database is. */
  readonly database: string
  /** The project's folder, where flows are found. */
  readonly root: string
  /** Tasks at once. */
  readonly slots: number
  readonly labels?: readonly string[]
  /** Takes tasks of the runs that are sent to this worker cluster alone. @default of those that are sent to none */
  readonly cluster?: string
  /** Takes tasks of this run alone, which brought it, and stops when that is over, or was over before. */
  readonly run?: OwnRunOptions
  /** @default the host's name and four random letters */
  readonly name?: string
  /** Most memory (bytes) of one slot. */
  readonly memory?: number | undefined
  readonly reaper?: ReaperOptions
  /** Brings the code of a run to below `root`, before its first task. @default it is there */
  readonly bring?: (source: FlowSource) => Promise<void>
  readonly onMessage?: (text: string) => void
}

/** A process that runs tasks of any run of its database. Start several, anywhere; stop one at any time. */
export class Worker {
  readonly name: string
  /** It was told to stop in order to start anew. */
  restartWanted = false
  /** Why it has stopped by itself: the run that it was there for is over. */
  overBecause: string | undefined
  /** Rejects when the worker cannot go on. */
  readonly failed: Promise<never>
  /** Resolves when the worker has stopped. */
  readonly stopped: Promise<void>
  private readonly options: WorkerOptions
  private readonly pool: string | null
  private readonly database: Database
  private readonly values: LargeValues
  private readonly slots: Slots
  private readonly sources: RunSources
  private readonly claims = new Claims()
  private readonly claimer: Claimer
  private readonly news: News
  private readonly outbox: Outbox
  private session: Session | undefined
  private ownRun: OwnRun | undefined
  private id = 0
  /** A task that two workers died with: it is given a third alone. */
  private suspect: Claim | undefined
  private finished = 0
  private state: 'alive' | 'draining' | 'stopped' = 'alive'
  private readonly timers: NodeJS.Timeout[] = []
  private stopReaper: (() => void) | undefined
  private whenEmpty = (): void => {}
  private readonly broken: (error: Error) => void
  private readonly resolveStopped: () => void

  private constructor(options: WorkerOptions, database: Database) {
    this.options = options
    this.pool = poolOf(options)
    this.database = database
    this.values = new LargeValues(database)
    this.name = options.name ?? `${hostname().split('.')[0]}-${randomBytes(2).toString('hex')}`
    this.sources = new RunSources(database, options.root, options.bring)
    this.news = new News(database)
    const failed = Promise.withResolvers<never>()
    const stopped = Promise.withResolvers<void>()
    this.failed = failed.promise
    this.failed.catch(() => {})
    this.broken = failed.reject
    this.stopped = stopped.promise
    this.resolveStopped = stopped.resolve
    this.slots = new Slots({
      root: options.root,
      count: options.slots,
      memory: options.memory,
      ahead: AHEAD,
      onSurplus: (jobs) => void this.handOn(jobs).catch(this.broken),
    })
    this.outbox = new Outbox({
      database,
      values: this.values,
      news: this.news,
      worker: () => this.id,
      written: (claims) => this.written(claims),
      broken: this.broken,
    })
    this.claimer = new Claimer({
      database,
      claims: this.claims,
      labels: options.labels ?? [],
      pool: this.pool,
      worker: () => this.id,
      ready: () => this.state === 'alive' && !this.suspect && (this.session?.connected ?? false),
      appetite: (run) => this.slots.appetite(this.sources.peek(run)?.facts.id ?? '', AHEAD),
      take: (run, tasks) => this.take(run, tasks),
      lost: (run, seqs) => this.drop(run, seqs),
      broken: this.broken,
    })
  }

  /** @throws UserError when the database cannot be reached */
  static async start(options: WorkerOptions): Promise<Worker> {
    const database = await Database.open(options.database, {
      name: 'millrace worker',
      connections: 4,
      patience: Number.POSITIVE_INFINITY,
      onAway: (message) => options.onMessage?.(message),
    })
    const worker = new Worker(options, database)
    await worker.connect()
    return worker
  }

  /** How many task runs it holds right now. */
  get running(): number {
    return this.claims.size
  }

  private async connect(): Promise<void> {
    const { reaper: { lease = DEFAULT_LEASE } = {}, run } = this.options
    this.ownRun = run && (await OwnRun.find(this.database, run))
    this.session = await this.database.session({
      channels: [CHANNEL.work, CHANNEL.control, ...(this.ownRun?.channels ?? [])],
      name: connectionName(this.name),
      onNotify: (channel, payload) => this.receive(channel, payload),
      setUp: (client, before) => this.register(client, before),
      onReconnect: () => {
        this.claimer.doubt()
        void this.look().catch(this.broken)
      },
    })
    this.stopReaper = startReaper(
      this.database,
      (dead) => this.say(`worker ${dead} is gone; its tasks were given back`),
      this.options.reaper,
    )
    this.every(Math.max(100, lease / REPORTS), () => this.report())
    this.every(POLL, () => this.look())
    await this.look()
  }

  /** Looks for what a notification may not have told. */
  private async look(): Promise<void> {
    await this.stopWhenOver()
    if (this.state === 'alive') await this.claimer.look()
  }

  private async stopWhenOver(): Promise<void> {
    const why = await this.ownRun?.whyOver()
    if (why === undefined || this.state === 'stopped') return
    this.overBecause = why
    // What it may still run is of no use to anybody.
    await this.stop(0)
  }

  private async register(client: pg.Client, before: number | undefined): Promise<void> {
    if (this.id > 0) {
      if (await reclaim(client, this.id, this.name, before)) return
      this.say('was taken for dead while it was away; going on as a new worker')
      this.abandon()
    }
    const { name, pool, state } = this
    this.id = await register(client, { name, pool, state, slots: this.slots.count, labels: this.options.labels ?? [] })
  }

  /** What it held belongs to others now. */
  private abandon(): void {
    this.claims.clear()
    this.outbox.clear()
    this.suspect = undefined
    this.slots.takeBack()
    this.slots.cancel(() => true, 'the worker was taken for dead')
    this.settled()
  }

  private receive(channel: string, payload: string): void {
    if (channel === CHANNEL.work) {
      this.claimer.feed(Number(payload))
      return
    }
    if (channel !== CHANNEL.control) {
      if (payload === 'state') void this.stopWhenOver().catch(this.broken)
      return
    }
    const [command, first = '', second = ''] = payload.split(' ')
    const number = Number(first)
    if (command === 'cancel') {
      const numbers = parseRanges(second)
      const seqs = numbers && new Set(numbers)
      this.claimer.cancel(number, seqs)
      this.drop(number, seqs)
    } else if ((command === 'drain' || command === 'restart') && number === this.id) {
      this.restartWanted = command === 'restart'
      void this.stop().catch(this.broken)
    }
  }

  /** Stops tasks that are no longer its own. */
  private drop(run: number, seqs: ReadonlySet<number> | undefined): void {
    const dropped = this.claims.take(run, seqs)
    if (dropped.length === 0) return
    if (this.suspect && dropped.includes(this.suspect)) this.suspect = undefined
    const id = this.sources.peek(run)?.facts.id
    const gone = new Set(dropped.map(({ task }) => task.seq))
    this.slots.cancel((job) => job.run.id === id && gone.has(job.call.seq), 'cancelled')
    this.settled()
  }

  private async take(run: number, tasks: readonly ClaimedTask[]): Promise<void> {
    const claims = tasks.map((task) => ({ run, task }))
    for (const each of claims) this.claims.add(each)
    if (this.state !== 'alive') {
      await this.giveBack(run, claims)
      return
    }
    // Rows come in the order in which they lie in the table.
    claims.sort((a, b) => b.task.priority - a.task.priority || a.task.seq - b.task.seq)
    this.suspect ??= claims.find(({ task }) => isSuspect(task))
    await this.begin(
      run,
      claims.filter((each) => each !== this.suspect),
    )
    this.settled()
  }

  private async begin(run: number, claims: readonly Claim[]): Promise<void> {
    const [first] = claims
    if (!first) return
    let source: RunSource
    try {
      source = await this.sources.get(run, first.task.runAttempt)
    } catch (error) {
      for (const each of claims) this.done(each, stopped(error))
      return
    }
    for (const each of claims) {
      const { task } = each
      const args = this.values.restore(run, task.args)
      const shared = task.shared ? this.values.get(run, task.shared) : undefined
      if (args instanceof Promise || shared instanceof Promise) void this.startLater(each, source, args, shared)
      else this.start(each, source, args, shared)
    }
  }

  private async startLater(
    each: Claim,
    source: RunSource,
    args: Uint8Array | Promise<Uint8Array>,
    shared: Uint8Array | Promise<Uint8Array> | undefined,
  ): Promise<void> {
    try {
      const [ownBytes, sharedBytes] = await Promise.all([args, shared])
      this.start(each, source, ownBytes, sharedBytes)
    } catch (error) {
      this.done(each, stopped(error))
    }
  }

  private start(each: Claim, { facts, source }: RunSource, args: Uint8Array, shared: Uint8Array | undefined): void {
    if (!this.claims.has(each)) return
    const { run, task } = each
    const { seq, attempt, priority, slot } = task
    this.slots.run({
      run: facts,
      source,
      call: {
        seq,
        task: task.task,
        attempt,
        priority,
        args,
        shared: shared && task.shared ? { hash: task.shared, bytes: shared } : undefined,
        ...slot,
      },
      alone: task.deaths > 0,
      events: {
        log: (seq, name, entry) => this.news.log(run, `${name}-${seq}`, entry),
        progress: (seq, _name, progress) => this.news.setProgress(run, seq, progress),
      },
      done: (outcome) => this.done(each, outcome),
    })
  }

  private done(each: Claim, outcome: Parameters<Job['done']>[0]): void {
    if (!this.claims.has(each)) return
    this.finished++
    this.outbox.add(each, outcome)
    this.claimer.soon()
  }

  private written(claims: readonly Claim[]): void {
    for (const each of claims) {
      this.claims.remove(each)
      if (this.suspect === each) this.suspect = undefined
    }
    this.settled()
    this.claimer.soon()
  }

  /** Fewer claims are held than before: a suspect may be alone now, or a draining worker done. */
  private settled(): void {
    if (this.claims.size === 0) this.whenEmpty()
    const { suspect } = this
    if (!suspect || this.claims.size !== 1 || this.suspectBegun === suspect || this.state !== 'alive') return
    this.suspectBegun = suspect
    void this.begin(suspect.run, [suspect])
  }

  private suspectBegun: Claim | undefined

  private async report(): Promise<void> {
    const { id } = this
    const rows = await this.database.query(
      `update worker set seen = now(), running = $2, finished = $3, memory = $4
       where id = $1 and state in ('alive', 'draining') returning id`,
      [id, this.claims.size, this.finished, process.memoryUsage.rss()],
      { name: 'report' },
    )
    // It was silent for so long (its machine slept, it was stopped) that its tasks were given to others.
    if (rows.length === 0 && id === this.id && this.state !== 'stopped') await this.session?.renew()
  }

  /** Hands on tasks that would wait here for long. */
  private async handOn(jobs: readonly Job[]): Promise<void> {
    for (const [run, claims] of this.claimsOf(jobs)) await this.giveBack(run, claims)
  }

  private claimsOf(jobs: readonly Job[]): Map<number, Claim[]> {
    const byId = Map.groupBy(jobs, ({ run }) => run.id)
    const found = new Map<number, Claim[]>()
    for (const run of this.claims.numbers) {
      const theirs = byId.get(this.sources.peek(run)?.facts.id ?? '')
      if (theirs) found.set(run, this.claims.list(run, new Set(theirs.map(({ call }) => call.seq))))
    }
    return found
  }

  private async giveBack(run: number, claims: readonly Claim[]): Promise<void> {
    for (const each of claims) this.claims.remove(each)
    const seqs = claims.map(({ task }) => task.seq)
    if (seqs.length > 0) await release(this.database, run, this.id, seqs)
    this.settled()
  }

  /**
   * Takes no more tasks, gives back those not begun, finishes what it runs, and goes.
   * @param patience how long (ms) running tasks may take; then they are stopped and given back. @default for ever
   */
  async stop(patience = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.state === 'stopped') return
    if (this.state === 'alive') await this.drain()
    else if (patience === Number.POSITIVE_INFINITY) return
    const { promise: over, resolve } = Promise.withResolvers<void>()
    this.whenEmpty = resolve
    this.settled()
    const timer = patience === Number.POSITIVE_INFINITY ? undefined : setTimeout(resolve, patience)
    await over
    clearTimeout(timer)
    for (const run of this.claims.numbers) await this.giveBack(run, this.claims.list(run))
    await this.close()
  }

  private async drain(): Promise<void> {
    this.state = 'draining'
    if (this.claims.size > 0) this.say(`draining: finishing ${this.claims.size} tasks, taking no more`)
    await this.database.query(`update worker set state = 'draining' where id = $1 and state = 'alive'`, [this.id])
    await this.handOn(this.slots.takeBack())
    if (this.suspect && this.suspectBegun !== this.suspect) await this.giveBack(this.suspect.run, [this.suspect])
  }

  private async close(): Promise<void> {
    if ((this.state as string) === 'stopped') return
    this.state = 'stopped'
    for (const timer of this.timers) clearInterval(timer)
    this.stopReaper?.()
    await this.slots.close()
    const left = this.database.query(
      `update worker set state = 'stopped', ended = now(), running = 0, finished = $2 where id = $1`,
      [this.id, this.finished],
      { patience: 1000 },
    )
    await Promise.all([left, this.news.send()]).catch(() => {})
    await this.database.close()
    this.resolveStopped()
  }

  private every(ms: number, action: () => Promise<void>): void {
    let busy = false
    const timer = setInterval(async () => {
      if (busy) return
      busy = true
      try {
        await action()
      } catch (error) {
        if (this.state !== 'stopped') this.say(String(error))
      } finally {
        busy = false
      }
    }, ms)
    this.timers.push(timer)
  }

  private say(text: string): void {
    this.options.onMessage?.(text)
  }
}

/** A run's own workers are there for nobody else, whatever cluster they may be told to be of. */
function poolOf({ cluster, run }: WorkerOptions): string | null {
  if (run) return runPool(run.id)
  return cluster === undefined ? null : clusterPool(cluster)
}
