import type { Database } from '../postgres/database.ts'
import { type FinishedTask, finish } from '../postgres/queue.ts'
import type { LargeValues } from '../postgres/values.ts'
import type { Outcome } from '../slots/call.ts'
import { toFailure } from '../values/failure.ts'
import type { Claim } from './claims.ts'
import type { News } from './news.ts'

/** Written together: more would keep the first of them waiting. */
const LARGEST_WRITE = 1000
const LARGEST_WRITE_BYTES = 8 * 2 ** 20

interface Finished {
  readonly claim: Claim
  readonly outcome: Outcome
}

export interface OutboxOptions {
  readonly database: Database
  readonly values: LargeValues
  readonly news: News
  /** Number of the worker that the claims belong to. */
  readonly worker: () => number
  readonly written: (claims: readonly Claim[]) => void
  readonly broken: (error: Error) => void
}

/** Outcomes on their way from a worker into the database: all there are of a run at once; what comes meanwhile goes next. */
export class Outbox {
  private readonly options: OutboxOptions
  private readonly waiting = new Map<number, Finished[]>()
  private sending = false

  constructor(options: OutboxOptions) {
    this.options = options
  }

  add(claim: Claim, outcome: Outcome): void {
    const waiting = this.waiting.get(claim.run)
    if (waiting) waiting.push({ claim, outcome })
    else this.waiting.set(claim.run, [{ claim, outcome }])
    if (this.sending) return
    this.sending = true
    // A moment later, for the outcomes of one batch arrive one after the other.
    setImmediate(() => {
      this.sendAll()
        .catch((error: Error) => this.options.broken(error))
        .finally(() => {
          this.sending = false
        })
    })
  }

  /** Forgets everything: the claims belong to others now. */
  clear(): void {
    this.waiting.clear()
  }

  private async sendAll(): Promise<void> {
    for (let [entry] = this.waiting; entry; [entry] = this.waiting) {
      const [run, all] = entry
      this.waiting.delete(run)
      const some = all.splice(0, howMany(all))
      // What is left takes its turn after the other runs.
      if (all.length > 0) this.waiting.set(run, all)
      await this.send(run, some)
    }
  }

  private async send(run: number, finished: readonly Finished[]): Promise<void> {
    const { news, written, worker } = this.options
    // Whoever sees that a task is over can read all it said.
    if (news.has(run)) await news.send()
    const id = worker()
    try {
      await this.write(run, id, finished)
    } catch (error) {
      // One of them cannot be written: the others must not suffer from it.
      for (const each of finished) await this.writeOne(run, id, each, error)
    }
    written(finished.map(({ claim }) => claim))
  }

  private async write(run: number, worker: number, finished: readonly Finished[]): Promise<void> {
    const tasks: FinishedTask[] = []
    for (const { claim, outcome } of finished) {
      const { state, result, failure, started, ended } = outcome
      const { seq, attempt } = claim.task
      const spilled = result && this.options.values.spill(run, result)
      tasks.push({
        seq,
        attempt,
        state,
        result: spilled instanceof Promise ? await spilled : spilled,
        failure,
        started,
        ended,
      })
    }
    await finish(this.options.database, run, worker, tasks)
  }

  private async writeOne(run: number, worker: number, each: Finished, together: unknown): Promise<void> {
    try {
      await this.write(run, worker, [each])
    } catch (error) {
      const { started, ended } = each.outcome
      const what = `task ${each.claim.task.task}: what became of it could not be written down`
      const failure = toFailure(new Error(what, { cause: error ?? together }))
      await this.write(run, worker, [{ ...each, outcome: { state: 'Failed', failure, started, ended } }])
    }
  }
}

function howMany(finished: readonly Finished[]): number {
  let bytes = 0
  let count = 0
  for (const { outcome } of finished) {
    bytes += outcome.result?.byteLength ?? 0
    if (count === LARGEST_WRITE || (count > 0 && bytes > LARGEST_WRITE_BYTES)) break
    count++
  }
  return count
}
