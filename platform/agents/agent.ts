import { availableParallelism, hostname } from 'node:os'
import {
  type AgentRegistration,
  backlog,
  type ClaimedRun,
  claimedRuns,
  claimRuns,
  crashRun,
  type DeploymentRecord,
  fireSchedules,
  giveBack,
  launched,
  launches,
  type PostgresStore,
  type ReaperOptions,
  registerAgent,
  registerDeployments,
  startReaper,
  withTurn,
} from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { type JobSurroundings, jobSpec } from './job-spec.ts'
import { LaunchError, type Launcher, type LauncherKind } from './launcher.ts'
import { type Missing, MissingWatch } from './missing.ts'
import { patient } from './patient.ts'
import type { SweepAction, SweepPatience } from './sweep/plan-sweep.ts'
import { sweep } from './sweep/sweep.ts'

/** Runs that an agent has going at once, if nobody says. On a machine of its own each takes a process or more. */
export const DEFAULT_LIMIT: Readonly<Record<LauncherKind, number>> = {
  process: Math.max(2, availableParallelism()),
  docker: Math.max(2, availableParallelism()),
  kubernetes: 500,
  'cloud-run': 500,
  vertex: 100,
}

/** Runs claimed at once: other agents want some, too. */
const MOST_AT_ONCE = 50
/** How long (ms) a run that could not be launched waits in its queue. */
const AGAIN_AFTER = 30_000
/** A busy platform is asked again for so long (ms) before the run goes back into its queue. */
const LAUNCH_PATIENCE = 60_000
/** The same trouble is said again after so long (ms). */
const SAY_AGAIN = 60_000
/** A connection that broke may have lost a notification. */
const POLL = 1000

/** What an agent has to tell, for a log. */
export type AgentNews =
  | {
      readonly kind: 'message'
      readonly level: 'info' | 'warn' | 'error'
      readonly text: string
      readonly run?: string
    }
  | { readonly kind: 'swept'; readonly action: SweepAction }
  | { readonly kind: 'backlog'; readonly queue: string; readonly waiting: number; readonly oldest: number }
  | ({ readonly kind: 'missing' } & Missing)

export interface AgentOptions {
  readonly store: PostgresStore
  readonly launcher: Launcher
  readonly labels: readonly string[]
  /** Takes only runs that ask for a label: for a laptop beside the agents of a stack. @default false */
  readonly exclusive?: boolean
  /** Runs that it has going at once. @default DEFAULT_LIMIT */
  readonly limit?: number
  /** @default the host's name */
  readonly name?: string
  readonly surroundings: JobSurroundings
  /** What is deployed now; undefined where nothing has changed since it was asked last. */
  readonly follow?: () => Promise<readonly DeploymentRecord[] | undefined>
  /** Tells who wants to know that runs are over. */
  readonly notify?: () => Promise<void>
  /** Looks after the size of worker clusters. */
  readonly scale?: () => Promise<void>
  readonly tell?: (news: AgentNews) => void
  /** Runs that wait for longer (ms) are news. @default 10 minutes */
  readonly backlogAfter?: number
  readonly every?: Partial<Intervals>
  readonly patience?: Partial<SweepPatience>
  readonly reaper?: ReaperOptions
}

/** How often (ms) things are looked at, besides when they are told. */
interface Intervals {
  /** @default 3000 */
  readonly follow: number
  /** @default 1000 */
  readonly schedules: number
  /** @default 1000 for processes and containers of a machine, 10000 for clouds */
  readonly sweep: number
  /** @default 60000 */
  readonly backlog: number
  /** @default 60000 */
  readonly missing: number
  /** @default 10000 */
  readonly scale: number
}

/**
 * Claims flow runs whose labels are all among its own, launches them, and looks after what it and others launched in the
 * same place. Any number of agents may run; one that is killed at any moment loses no run and doubles none: what it had
 * claimed stands in the ledger, and a job is found by its name.
 */
export class Agent {
  readonly name: string
  /** Resolves when the agent has stopped. */
  readonly stopped: Promise<void>
  /** Rejects when it cannot go on. */
  readonly failed: Promise<never>
  private readonly options: AgentOptions
  private readonly launcher: Launcher
  private readonly limit: number
  /** Runs that it launched, or is launching, and that are not over as far as it knows. */
  private readonly going = new Set<string>()
  private readonly launching = new Set<Promise<void>>()
  private readonly seen = new Map<string, number>()
  /** What was said of late, and when. */
  private readonly troubles = new Map<string, number>()
  private readonly stopping = new AbortController()
  private readonly closers: (() => void | Promise<void>)[] = []
  private registration: AgentRegistration | undefined
  private claiming: Promise<void> | undefined
  private isClaimWanted = false
  /** A claim may have come through whose answer did not. */
  private inDoubt = false
  private readonly resolveStopped: () => void
  private readonly broken: (error: unknown) => void

  private constructor(options: AgentOptions) {
    this.options = options
    this.name = options.name ?? hostname()
    this.limit = options.limit ?? DEFAULT_LIMIT[options.launcher.kind]
    this.launcher = patient(options.launcher, { within: LAUNCH_PATIENCE, signal: this.stopping.signal })
    const stopped = Promise.withResolvers<void>()
    this.stopped = stopped.promise
    this.resolveStopped = stopped.resolve
    const failed = Promise.withResolvers<never>()
    this.failed = failed.promise
    this.failed.catch(() => {})
    this.broken = failed.reject
  }

  /** @throws UserError when the database cannot be reached */
  static async start(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options)
    try {
      await agent.begin()
    } catch (error) {
      await agent.close()
      throw error
    }
    return agent
  }

  /** How many of its runs are going. */
  get running(): number {
    return this.going.size
  }

  /**
   * Claims no more; what it is launching is launched. Runs that are going in a place of their own go on there; those that
   * are processes of this machine are waited for.
   * @param patience milliseconds; then those are told to go, and are launched again elsewhere
   */
  async stop(patience: number): Promise<void> {
    if (this.stopping.signal.aborted) return
    this.stopping.abort()
    this.registration?.set({ state: 'draining', going: this.going.size })
    await this.claiming?.catch(() => {})
    await Promise.allSettled(this.launching)
    if (this.launcher.kind === 'process') await this.drain(patience)
    await this.close()
    this.resolveStopped()
  }

  private async begin(): Promise<void> {
    const { store, launcher, labels, exclusive = false, surroundings, reaper, every = {} } = this.options
    const { database } = store
    await this.follow().catch((error) => this.trouble('what is deployed cannot be read', error))
    this.registration = await registerAgent(database, {
      name: this.name,
      launcher: launcher.kind,
      place: launcher.place,
      labels,
      exclusive,
      limit: this.limit,
      stack: surroundings.stack,
      onNews: (run) => this.heard(run),
    })
    const { lost } = this.registration
    lost.addEventListener('abort', () => this.broken(lost.reason))
    this.closers.push(() => this.registration?.close())
    this.closers.push(startReaper(database, (worker) => this.say('warn', `worker ${worker} died`), reaper))
    await this.firstLook()
    this.repeat('runs cannot be claimed', POLL, () => this.claimSoon())
    this.repeat('what is deployed cannot be read', every.follow ?? 3000, () => this.follow())
    this.repeat('schedules cannot be looked at', every.schedules ?? 1000, () => this.fire())
    this.repeat('jobs cannot be looked at', every.sweep ?? (isOnMachine(launcher.kind) ? 1000 : 10_000), () =>
      this.sweep(),
    )
    this.repeat('the backlog cannot be looked at', every.backlog ?? 60_000, () => this.lookAtBacklog())
    const missing = new MissingWatch(database)
    this.repeat('it cannot be seen what is missing', every.missing ?? 60_000, () => this.lookForMissing(missing))
    if (this.options.notify) {
      this.repeat('nobody can be told of ends', 1000, this.options.notify)
    }
    if (this.options.scale) this.repeat('worker pools cannot be scaled', every.scale ?? 10_000, this.options.scale)
    this.claimSoon()
  }

  /** Whoever may not even look is better told so at once than with the first run. */
  private async firstLook(): Promise<void> {
    try {
      await this.sweep()
    } catch (error) {
      if (!(error instanceof LaunchError)) throw error
      if (error.kind !== 'busy') throw new UserError(`the agent cannot look at its jobs: ${error.message}`)
      this.trouble('jobs cannot be looked at yet', error)
    }
  }

  /** A run is over, or waits. */
  private heard(over: string | undefined): void {
    if (over !== undefined) this.going.delete(over)
    this.claimSoon()
  }

  private claimSoon(): void {
    this.isClaimWanted = true
    if (this.claiming || this.stopping.signal.aborted) return
    this.claiming = this.claim()
      .catch((error) => {
        this.inDoubt = true
        this.trouble('runs cannot be claimed', error)
      })
      .finally(() => {
        this.claiming = undefined
      })
  }

  private async claim(): Promise<void> {
    const { store, labels, exclusive = false, launcher } = this.options
    while (this.isClaimWanted && !this.stopping.signal.aborted && this.registration) {
      this.isClaimWanted = false
      const room = this.limit - this.going.size
      if (room <= 0) return
      const { id: agent } = this.registration
      if (this.inDoubt) {
        this.start((await claimedRuns(store.database, agent)).filter(({ id }) => !this.going.has(id)))
        this.inDoubt = false
        this.isClaimWanted = true
        continue
      }
      const asked = { agent, launcher: launcher.kind, labels, exclusive, limit: Math.min(room, MOST_AT_ONCE) }
      const claimed = await claimRuns(store.database, asked)
      this.start(claimed)
      if (claimed.length > 0) this.isClaimWanted = true
    }
  }

  private start(claimed: readonly ClaimedRun[]): void {
    for (const run of claimed) {
      this.going.add(run.id)
      const launching = this.launch(run).finally(() => this.launching.delete(launching))
      this.launching.add(launching)
    }
  }

  private async launch(claimed: ClaimedRun): Promise<void> {
    const { store, surroundings } = this.options
    const { id, launch, flow } = claimed
    try {
      const spec = jobSpec(claimed, surroundings)
      const handle = await this.launcher.launch(spec)
      await launched(store.database, id, launch, { handle })
      this.say('info', `run ${id} of ${flow} was launched: ${handle}`, id)
    } catch (error) {
      this.going.delete(id)
      await this.notLaunched(claimed, error).catch((failure) => this.trouble(`run ${id}`, failure))
    }
  }

  private async notLaunched({ id, launch }: ClaimedRun, error: unknown): Promise<void> {
    const { database } = this.options.store
    const words = error instanceof Error ? error.message : String(error)
    if (error instanceof LaunchError && error.kind !== 'busy') {
      this.say('error', `run ${id} could not be launched: ${words}`, id)
      await crashRun(database, id, launch, { message: `it could not be launched: ${words}`, reason: 'refused' })
      return
    }
    // Of what is not known it is not known either whether it left a job: the next launch, or the sweeper, finds it.
    this.say('warn', `run ${id} was not launched, and goes back into its queue: ${words}`, id)
    await giveBack(database, id, launch, { message: `it waits to be launched again: ${words}`, after: AGAIN_AFTER })
  }

  private async sweep(): Promise<void> {
    const { kind, place } = this.launcher
    // Two that sweep at once do no harm; but platforms count how often they are asked.
    if (isOnMachine(kind)) await this.sweepNow()
    else await withTurn(this.options.store.database, `sweep ${place}`, () => this.sweepNow())
    await this.count()
  }

  private async sweepNow(): Promise<void> {
    const { store, patience, launcher } = this.options
    const { seen } = this
    const swept = await sweep({ database: store.database, launcher, seen, ...(patience && { patience }) })
    for (const action of swept.done) this.options.tell?.({ kind: 'swept', action })
    for (const { action, error } of swept.failed) {
      this.trouble(`run ${action.run}: cannot ${action.do} (${action.why})`, error)
    }
  }

  /** What it has going, by the ledger: notifications may have been missed. */
  private async count(): Promise<void> {
    const { store } = this.options
    const mine = (await launches(store.database, this.launcher.place)).filter(
      ({ agent, isOver, isCurrent }) => agent === this.registration?.id && !isOver && isCurrent,
    )
    const now = new Set(mine.map(({ run }) => run))
    const before = this.going.size
    if (this.launching.size === 0) for (const run of this.going) if (!now.has(run)) this.going.delete(run)
    this.registration?.set({ state: this.stopping.signal.aborted ? 'draining' : 'alive', going: this.going.size })
    if (this.going.size < before) this.claimSoon()
  }

  private async follow(): Promise<void> {
    const all = await this.options.follow?.()
    if (!all) return
    const { added, changed, removed } = await registerDeployments(this.options.store.database, all)
    for (const name of added) this.say('info', `deployment ${name} is there`)
    for (const name of changed) this.say('info', `deployment ${name} has changed`)
    for (const name of removed) this.say('info', `deployment ${name} is gone`)
  }

  private async fire(): Promise<void> {
    for (const { id, deployment } of await fireSchedules(this.options.store)) {
      this.say('info', `run ${id} of ${deployment} was scheduled`, id)
    }
  }

  private async lookAtBacklog(): Promise<void> {
    const { store, tell, backlogAfter = 600_000 } = this.options
    await withTurn(store.database, 'backlog', async () => {
      for (const { queue, waiting, oldest } of await backlog(store.database)) {
        if (oldest > backlogAfter) tell?.({ kind: 'backlog', queue, waiting, oldest })
      }
    })
  }

  /** Each looks, so that each knows how long; one tells. */
  private async lookForMissing(watch: MissingWatch): Promise<void> {
    const { store, tell } = this.options
    const found = await watch.look()
    if (found.length === 0) return
    await withTurn(store.database, 'missing', async () => {
      for (const each of found) tell?.({ kind: 'missing', ...each })
    })
  }

  private async drain(patience: number): Promise<void> {
    for (const end = Date.now() + patience; this.going.size > 0 && Date.now() < end; ) {
      await this.sweep().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    if (this.going.size === 0) return
    this.say('warn', `${this.going.size} runs are told to go, and will be launched again`)
    for (const { handle, agent, isOver } of await launches(this.options.store.database, this.launcher.place)) {
      if (handle !== undefined && agent === this.registration?.id && !isOver) await this.options.launcher.cancel(handle)
    }
    await this.sweep().catch(() => {})
  }

  /**
   * Does something again and again, never twice at once; what goes wrong is told, and it is done again.
   * @param fault what is told before the words of an error
   */
  private repeat(fault: string, every: number, action: () => void | Promise<void>): void {
    let busy = false
    const timer = setInterval(async () => {
      if (busy) return
      busy = true
      try {
        await action()
      } catch (error) {
        this.trouble(fault, error)
      } finally {
        busy = false
      }
    }, every)
    this.closers.push(() => clearInterval(timer))
  }

  /** Says what does not work; the same again only after a while, for it is tried every second. */
  private trouble(what: string, error: unknown): void {
    const isOutside = error instanceof LaunchError || (error instanceof Error && error.name === 'DatabaseGoneError')
    const words = error instanceof Error ? (isOutside ? error.message : (error.stack ?? error.message)) : String(error)
    const text = `${what}: ${words}`
    const now = performance.now()
    if (now - (this.troubles.get(text) ?? Number.NEGATIVE_INFINITY) < SAY_AGAIN) return
    if (this.troubles.size > 100) this.troubles.clear()
    this.troubles.set(text, now)
    this.say(isOutside ? 'warn' : 'error', text)
  }

  private say(level: 'info' | 'warn' | 'error', text: string, run?: string): void {
    this.options.tell?.({ kind: 'message', level, text, ...(run !== undefined && { run }) })
  }

  private async close(): Promise<void> {
    for (const close of this.closers.splice(0).toReversed()) await close()
    await this.launcher.close()
  }
}

/** Its jobs are processes or containers of one machine, which is asked as often as one likes. */
function isOnMachine(kind: LauncherKind): boolean {
  return kind === 'process' || kind === 'docker'
}
