import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { CancelledError, type LogEntry, type Progress } from '@millrace/sdk'
import type { FlowSource } from '../flow-source.ts'
import type { Session } from '../postgres/database.ts'
import { Database } from '../postgres/database.ts'
import { CHANNEL, LOCK_CLASS } from '../postgres/locks.ts'
import { type ClaimedTask, claim, finish, hungryRuns, release, runFacts } from '../postgres/queue.ts'
import { DEFAULT_LEASE, type ReaperOptions, startReaper } from '../postgres/reaper.ts'
import { appendLogLines } from '../postgres/run-store.ts'
import { LargeValues } from '../postgres/values.ts'
import { scratchUrl } from '../run/scratch.ts'
import type { Outcome, RunFacts } from '../slots/call.ts'
import { type Job, Slots } from '../slots/slots.ts'
import type { NewLog } from '../store/run-store.ts'
import { toFailure } from '../values/failure.ts'
import { VERSION } from '../version.ts'

/** Work claimed ahead (ms), so that no slot waits for the database; more would be unfair to other workers and runs. */
const AHEAD = 40
const POLL = 1000
/** How often it is looked whether more was claimed than can be begun soon (ms). */
const SURPLUS_EVERY = 100
const LOGS_EVERY = 100

export interface WorkerOptions {
  /** Where the engine's database is. */
  readonly database: string
  /** The project's folder, where flows are found. */
  readonly root: string
  /** Tasks at once. */
  readonly slots: number
  readonly labels?: readonly string[]
  /** @default the host's name and four random letters */
  readonly name?: string
  /** Most memory (bytes) of one slot. */
  readonly memory?: number | undefined
  readonly reaper?: ReaperOptions
  readonly onMessage?: (text: string) => void
}

interface Claim {
  readonly run: number
  readonly task: ClaimedTask
}

/** A process that runs tasks of any run of its database. Start several, anywhere; stop one at any time. */
export class Worker {
  readonly name: string
  private readonly options: WorkerOptions
  private readonly database: Database
  private readonly values: LargeValues
  private readonly slots: Slots
  private readonly labels: readonly string[]
  private session: Session | undefined
  private id = 0
  /** What this worker holds, by `run/seq`. */
  private readonly claims = new Map<string, Claim>()
  /** Runs that may have tasks waiting; they take turns. */
  private readonly hungry = new Set<number>()
  private readonly facts = new Map<number, { facts: RunFacts; source: FlowSource }>()
  private readonly outbox = new Map<number, { claim: Claim; outcome: Outcome }[]>()
  private readonly logs = new Map<number, NewLog[]>()
  private suspect: Claim | undefined
  private finished = 0
  private claiming = false
  private claimAgain = false
  private sending = false
  private state: 'alive' | 'draining' | 'stopped' = 'alive'
  private timers: NodeJS.Timeout[] = []
  private stopReaper: (() => void) | undefined
  private whenEmpty = (): void => {}
  private broken: ((error: Error) => void) | undefined
  /** Rejects when the worker cannot go on. */
  readonly failed: Promise<never>

  private constructor(options: WorkerOptions, database: Database) {
    this.options = options
    this.database = database
    this.values = new LargeValues(database)
    this.name = options.name ?? `${hostname().split('.')[0]}-${randomBytes(2).toString('hex')}`
    this.labels = options.labels ?? []
    this.slots = new Slots({ root: options.root, count: options.slots, memory: options.memory })
    this.failed = new Promise((_resolve, reject) => {
      this.broken = reject
    })
    this.failed.catch(() => {})
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

  /** It was told to stop in order to start anew. */
  restartWanted = false

  /** How many task runs it holds right now. */
  get running(): number {
    return this.claims.size
  }

  private async connect(): Promise<void> {
    const { lease = DEFAULT_LEASE } = this.options.reaper ?? {}
    this.session = await this.database.session({
      channels: [CHANNEL.work, CHANNEL.control],
      name: `millrace worker ${this.name}`,
      onNotify: (channel, payload) => this.receive(channel, payload),
      setUp: (client) => this.register(client),
      onReconnect: () => this.lookForWork(),
    })
    this.stopReaper = startReaper(
      this.database,
      (dead) => this.say(`worker ${dead} is gone; its tasks were given back`),
      this.options.reaper,
    )
    this.every(Math.max(200, lease / 5), () => this.report())
    this.every(POLL, () => this.lookForWork())
    this.every(SURPLUS_EVERY, () => this.giveBackSurplus())
    this.every(LOGS_EVERY, () => this.sendLogs())
    await this.lookForWork()
  }

  /** Makes itself known, and takes the lock that says it is alive. After it was taken for dead it is a new worker. */
  private async register(client: import('pg').Client): Promise<void> {
    if (this.id > 0) {
      const { rows } = await client.query<{ mine: boolean }>(
        `select pg_try_advisory_lock($1, $2) and exists (select from worker where id = $2 and state = $3) as mine`,
        [LOCK_CLASS.worker, this.id, this.state],
      )
      if (rows[0]?.mine) return
      this.say('was taken for dead while it was away; going on as a new worker')
      this.abandon()
    }
    const { host, pid } = { host: hostname(), pid: process.pid }
    const { rows } = await client.query<{ id: number }>(
      `with made as (insert into worker (name, host, pid, slots, labels, version, state)
         values ($1, $2, $3, $4, $5, $6, $7) returning id)
       select id, pg_advisory_lock($8, id) from made`,
      [this.name, host, pid, this.slots.count, this.labels, VERSION, this.state, LOCK_CLASS.worker],
    )
    this.id = rows[0]?.id ?? 0
  }

  /** What it held belongs to others now. */
  private abandon(): void {
    this.claims.clear()
    this.outbox.clear()
    this.suspect = undefined
    this.slots.takeBack()
    this.slots.cancel(() => true, 'the worker was taken for dead')
  }

  private receive(channel: string, payload: string): void {
    if (channel === CHANNEL.work) {
      this.hungry.add(Number(payload))
      this.claimSoon()
      return
    }
    const [command, first = '', second = ''] = payload.split(' ')
    if (command === 'cancel') this.cancel(Number(first), second ? second.split(',').map(Number) : undefined)
    else if ((command === 'drain' || command === 'restart') && Number(first) === this.id) {
      this.restartWanted = command === 'restart'
      void this.stop()
    }
  }

  private cancel(run: number, seqs: readonly number[] | undefined): void {
    const hit = ({ run: each, task }: Claim): boolean => each === run && (!seqs || seqs.includes(task.seq))
    for (const [key, each] of this.claims) if (hit(each)) this.claims.delete(key)
    const facts = this.facts.get(run)?.facts
    this.slots.cancel(({ run: each, call }) => each.id === facts?.id && (!seqs || seqs.includes(call.seq)), 'cancelled')
    if (!seqs) {
      this.hungry.delete(run)
      this.facts.delete(run)
    }
    this.settled()
  }

  private async lookForWork(): Promise<void> {
    for (const run of await hungryRuns(this.database)) this.hungry.add(run)
    this.claimSoon()
  }

  private claimSoon(): void {
    if (this.claiming) {
      this.claimAgain = true
      return
    }
    this.claiming = true
    this.claimAll()
      .catch((error: Error) => this.broken?.(error))
      .finally(() => {
        this.claiming = false
        if (this.claimAgain) {
          this.claimAgain = false
          this.claimSoon()
        }
      })
  }

  /** Claims until there is enough, a few tasks of each run in turn. */
  private async claimAll(): Promise<void> {
    while (this.state === 'alive' && !this.suspect && this.session?.connected) {
      const [run] = this.hungry
      const wanted = this.slots.appetite(AHEAD)
      if (run === undefined || wanted <= 0) return
      this.hungry.delete(run)
      const limit = Math.max(1, Math.ceil(wanted / (this.hungry.size + 1)))
      const tasks = await claim(this.database, run, this.id, this.labels, limit)
      if (tasks.length > 0) await this.take(run, tasks)
      // Fewer than asked for: the rest is elsewhere, or needs labels this worker lacks.
      if (tasks.length === limit) this.hungry.add(run)
    }
  }

  private async take(run: number, tasks: readonly ClaimedTask[]): Promise<void> {
    const worker = this.id
    const claims = tasks.map((task) => ({ run, task }))
    for (const each of claims) this.claims.set(keyOf(each), each)
    // Two workers died with it: this one runs it alone, so that no other task is blamed for a third.
    const [suspect, ...otherSuspects] = claims.filter(({ task }) => task.deaths >= 2)
    if (suspect) {
      this.suspect = suspect
      await this.giveBack(run, worker, otherSuspects)
    }
    for (const each of claims) if (each.task.deaths < 2) await this.begin(each)
    if (suspect) await this.beginSuspect()
    await this.giveBackSurplus()
  }

  /** Tasks of a kind never seen here may be far slower than those before: then most of a claim goes back. */
  private async giveBackSurplus(): Promise<void> {
    const jobs = this.slots.surplus(2 * AHEAD)
    if (jobs.length === 0) return
    const back = new Set(jobs.map(({ run, call }) => `${run.id}/${call.seq}`))
    await this.giveBackJobs(back)
  }

  private async giveBackJobs(back: ReadonlySet<string>): Promise<void> {
    for (const [run, claims] of this.claimsByRun()) {
      const id = this.facts.get(run)?.facts.id
      const hit = claims.filter(({ task }) => back.has(`${id}/${task.seq}`))
      await this.giveBack(run, this.id, hit)
    }
  }

  private async beginSuspect(): Promise<void> {
    if (this.suspect && this.claims.size === 1) await this.begin(this.suspect)
  }

  private async begin(each: Claim): Promise<void> {
    const { run, task } = each
    try {
      const known = await this.runFactsFor(run, task.runAttempt)
      const args = await this.values.restore(run, task.args)
      const shared = task.shared ? { hash: task.shared, bytes: await this.values.get(run, task.shared) } : undefined
      if (!this.claims.has(keyOf(each))) return
      const job: Job = {
        run: known.facts,
        source: known.source,
        call: { seq: task.seq, task: task.task, attempt: task.attempt, args, shared, ...task.slot },
        alone: task.deaths > 0,
        events: {
          log: (seq, name, entry) => this.log(run, `${name}-${seq}`, entry),
          progress: (seq, _name, progress) => this.progress(run, seq, progress),
        },
        done: (outcome) => this.done(each, outcome),
      }
      this.slots.run(job)
    } catch (error) {
      const time = Date.now()
      this.done(each, { state: 'Failed', failure: toFailure(error), started: time, ended: time })
    }
  }

  private async runFactsFor(run: number, attempt: number): Promise<{ facts: RunFacts; source: FlowSource }> {
    const known = this.facts.get(run)
    if (known && known.facts.attempt === attempt) return known
    const found = await runFacts(this.database, run)
    if (!found?.source) throw new Error(`run ${run} does not say where its flow is`)
    const scratch = scratchUrl(this.options.root, found.facts.id)
    const facts = { facts: { ...found.facts, scratch }, source: found.source as FlowSource }
    this.facts.set(run, facts)
    const [oldest] = this.facts.keys()
    if (this.facts.size > 100 && oldest !== undefined) this.facts.delete(oldest)
    return facts
  }

  private done(each: Claim, outcome: Outcome): void {
    if (this.claims.get(keyOf(each)) !== each) return
    const waiting = this.outbox.get(each.run)
    if (waiting) waiting.push({ claim: each, outcome })
    else this.outbox.set(each.run, [{ claim: each, outcome }])
    this.finished++
    void this.sendOutcomes()
    this.claimSoon()
  }

  /** Writes outcomes down, all there are of a run at once; what comes meanwhile goes next. */
  private async sendOutcomes(): Promise<void> {
    if (this.sending) return
    this.sending = true
    try {
      // A moment, for the outcomes of one batch arrive one after the other.
      await new Promise((resolve) => setImmediate(resolve))
      for (let [entry] = this.outbox; entry; [entry] = this.outbox) {
        const [run, finished] = entry
        this.outbox.delete(run)
        await this.sendLogs(run)
        const worker = this.id
        const tasks = await Promise.all(
          finished.map(async ({ claim: { task }, outcome }) => ({
            seq: task.seq,
            attempt: task.attempt,
            state: outcome.state,
            result: outcome.result && (await this.values.spill(run, outcome.result)),
            failure: outcome.failure,
            started: outcome.started,
            ended: outcome.ended,
          })),
        )
        await finish(this.database, run, worker, tasks)
        for (const { claim: each } of finished) {
          const key = keyOf(each)
          if (this.claims.get(key) === each) this.claims.delete(key)
          if (this.suspect === each) this.suspect = undefined
        }
        await this.beginSuspect()
        this.settled()
      }
    } catch (error) {
      this.broken?.(error as Error)
    } finally {
      this.sending = false
    }
    this.claimSoon()
  }

  private settled(): void {
    if (this.claims.size === 0) this.whenEmpty()
  }

  private log(run: number, source: string, entry: LogEntry): void {
    const lines = this.logs.get(run)
    if (lines) lines.push({ ...entry, source })
    else this.logs.set(run, [{ ...entry, source }])
  }

  private async sendLogs(only?: number): Promise<void> {
    for (const [run, lines] of only === undefined ? [...this.logs] : [[only, this.logs.get(only) ?? []] as const]) {
      this.logs.delete(run)
      if (lines.length > 0) await appendLogLines(this.database, run, lines)
    }
  }

  private progress(run: number, seq: number, { done, total, unit }: Progress): void {
    const text = `progress ${seq} ${done} ${total ?? ''} ${unit ?? ''}`
    this.database.query('select pg_notify($1, $2)', [CHANNEL.run(run), text], { patience: 0 }).catch(() => {})
  }

  private async report(): Promise<void> {
    const { rss } = process.memoryUsage()
    await this.database.query(
      `update worker set seen = now(), running = $2, finished = $3, memory = $4 where id = $1 and state in ('alive', 'draining')`,
      [this.id, this.claims.size, this.finished, rss],
    )
  }

  private async giveBack(run: number, worker: number, claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return
    for (const each of claims) this.claims.delete(keyOf(each))
    await release(
      this.database,
      run,
      worker,
      claims.map(({ task }) => task.seq),
    )
  }

  /**
   * Takes no more tasks, gives back those not begun, finishes what it runs, and goes.
   * @param patience how long (ms) running tasks may take; then they are stopped and given back. @default for ever
   */
  async stop(patience = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.state === 'draining' && patience === Number.POSITIVE_INFINITY) return
    if (this.state === 'stopped') return
    const first = this.state === 'alive'
    this.state = 'draining'
    if (first) {
      if (this.claims.size > 0) this.say(`draining: finishing ${this.claims.size} tasks, taking no more`)
      await this.database.query(`update worker set state = 'draining' where id = $1 and state = 'alive'`, [this.id])
      const back = new Set(this.slots.takeBack().map(({ run, call }) => `${run.id}/${call.seq}`))
      await this.giveBackJobs(back)
    }
    const empty = new Promise<'empty'>((resolve) => {
      this.whenEmpty = () => resolve('empty')
      this.settled()
    })
    const late = new Promise<'late'>((resolve) => {
      if (patience !== Number.POSITIVE_INFINITY) setTimeout(resolve, patience, 'late').unref()
    })
    if ((await Promise.race([empty, late])) === 'late') {
      for (const [run, claims] of this.claimsByRun()) await this.giveBack(run, this.id, claims)
    }
    await this.close()
  }

  private claimsByRun(): Map<number, Claim[]> {
    return Map.groupBy(this.claims.values(), ({ run }) => run)
  }

  private async close(): Promise<void> {
    if (this.state === 'stopped') return
    this.state = 'stopped'
    for (const timer of this.timers) clearInterval(timer)
    this.stopReaper?.()
    await this.slots.close()
    await this.sendLogs()
    await this.database.query(
      `update worker set state = 'stopped', ended = now(), running = 0, finished = $2 where id = $1`,
      [this.id, this.finished],
      { patience: 1000 },
    )
    await this.database.close()
    this.stoppedResolve()
  }

  private stoppedResolve = (): void => {}
  /** Resolves when the worker has stopped. */
  readonly stopped = new Promise<void>((resolve) => {
    this.stoppedResolve = resolve
  })

  private every(ms: number, action: () => Promise<void> | void): void {
    let busy = false
    const timer = setInterval(async () => {
      if (busy) return
      busy = true
      try {
        await action()
      } catch (error) {
        if (this.state !== 'stopped' && !(error instanceof CancelledError)) this.say(String(error))
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

function keyOf({ run, task }: Claim): string {
  return `${run}/${task.seq}/${task.attempt}`
}
