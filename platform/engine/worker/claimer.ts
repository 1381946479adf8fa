import { isAway } from '../postgres/connection.ts'
import type { Database } from '../postgres/database.ts'
import { type ClaimedTask, claim, held, hungryRuns, isOfPool, isSuspect, release } from '../postgres/queue.ts'
import type { Claims } from './claims.ts'

/** After a claim that may or may not have come through (ms). */
const AGAIN_AFTER = 100
/** Runs of which it is remembered whether they are of the worker's pool. */
const REMEMBERED = 1000

export interface ClaimerOptions {
  readonly database: Database
  readonly claims: Claims
  readonly labels: readonly string[]
  /** Of the worker: it takes tasks of runs of the same. */
  readonly pool: string | null
  /** The worker's number. */
  readonly worker: () => number
  /** Whether tasks may be claimed right now. */
  readonly ready: () => boolean
  /** How many more tasks of a run are wanted. */
  readonly appetite: (run: number) => number
  readonly take: (run: number, tasks: readonly ClaimedTask[]) => Promise<void>
  /** The worker holds these, but the database says otherwise. */
  readonly lost: (run: number, seqs: ReadonlySet<number>) => void
  readonly broken: (error: Error) => void
}

/** Takes tasks from the queue: a few of each run in turn, as many as the worker wants, one claim at a time. */
export class Claimer {
  private readonly options: ClaimerOptions
  /** Runs that may have tasks waiting; they take turns. */
  private readonly hungry = new Set<number>()
  /** Whether runs are of the worker's pool. All workers hear of all runs. */
  private readonly ours = new Map<number, boolean>()
  private claiming = false
  private again = false
  /** The worker may hold tasks it does not know of, or think that it holds some that it does not. */
  private inDoubt = false
  /** What was cancelled while a claim was under way: it may bring tasks that must not start. */
  private cancelled: { readonly run: number; readonly seqs: ReadonlySet<number> | undefined }[] = []

  constructor(options: ClaimerOptions) {
    this.options = options
  }

  /** A run has tasks waiting. */
  feed(run: number): void {
    if (this.ours.get(run) === false) return
    this.hungry.add(run)
    this.soon()
  }

  async look(): Promise<void> {
    for (const run of await hungryRuns(this.options.database, this.options.pool)) {
      this.remember(run, true)
      this.hungry.add(run)
    }
    this.soon()
  }

  cancel(run: number, seqs: ReadonlySet<number> | undefined): void {
    if (!seqs) this.hungry.delete(run)
    if (this.claiming) this.cancelled.push({ run, seqs })
  }

  /** A connection broke: compare notes with the database before the next claim. */
  doubt(): void {
    this.inDoubt = true
    this.soon()
  }

  /** There may be room for more. */
  soon(): void {
    if (this.claiming) {
      this.again = true
      return
    }
    if (this.hungry.size === 0 && !this.inDoubt) return
    this.claiming = true
    this.claimAll()
      .catch((error: Error) => this.fail(error))
      .finally(() => {
        this.claiming = false
        if (!this.again) return
        this.again = false
        this.soon()
      })
  }

  private fail(error: Error): void {
    if (!isAway(error)) {
      this.options.broken(error)
      return
    }
    this.inDoubt = true
    setTimeout(() => this.soon(), AGAIN_AFTER).unref()
  }

  private async claimAll(): Promise<void> {
    const { ready, appetite } = this.options
    if (this.inDoubt && ready()) await this.compareNotes()
    for (let wanted = true; wanted && ready(); ) {
      wanted = false
      for (const run of [...this.hungry]) {
        const most = appetite(run)
        if (most <= 0 || !ready()) continue
        wanted = true
        await this.claimSome(run, Math.max(1, Math.ceil(most / this.hungry.size)))
      }
    }
  }

  private async claimSome(run: number, limit: number): Promise<void> {
    const { database, labels, worker, take } = this.options
    this.hungry.delete(run)
    this.cancelled = []
    let tasks: ClaimedTask[]
    try {
      tasks = await claim(database, run, worker(), labels, limit)
    } catch (error) {
      this.hungry.add(run)
      throw error
    }
    const going = tasks.filter(
      ({ seq }) => !this.cancelled.some((each) => each.run === run && (each.seqs?.has(seq) ?? true)),
    )
    // Fewer than asked for: the rest is elsewhere, or needs labels that this worker lacks.
    if (tasks.length === limit || tasks.some(isSuspect)) this.hungry.add(run)
    if (going.length > 0) await take(run, going)
    if (tasks.length > 0) this.remember(run, true)
    else if (!this.ours.has(run)) this.remember(run, await isOfPool(database, run, this.options.pool))
  }

  private remember(run: number, isOurs: boolean): void {
    this.ours.set(run, isOurs)
    const [oldest] = this.ours.keys()
    if (this.ours.size > REMEMBERED && oldest !== undefined) this.ours.delete(oldest)
  }

  private async compareNotes(): Promise<void> {
    const { database, claims, worker, lost } = this.options
    this.inDoubt = false
    const rows = Map.groupBy(await held(database, worker()), ({ run }) => run)
    for (const [run, tasks] of rows) {
      const unknown = tasks.filter(({ seq }) => !claims.holds(run, seq)).map(({ seq }) => seq)
      if (unknown.length > 0) await release(database, run, worker(), unknown)
    }
    for (const run of claims.numbers) {
      const kept = new Set(rows.get(run)?.map(({ seq }) => seq))
      const gone = claims.seqs(run).filter((seq) => !kept.has(seq))
      if (gone.length > 0) lost(run, new Set(gone))
    }
  }
}
