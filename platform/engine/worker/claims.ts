import type { ClaimedTask } from '../postgres/queue.ts'

/** A task run that this worker has taken from the queue. */
export interface Claim {
  /** Number of the flow run. */
  readonly run: number
  readonly task: ClaimedTask
}

/** What a worker holds. A claim that is no longer here is somebody else's business. */
export class Claims {
  private readonly runs = new Map<number, Map<number, Claim>>()
  private count = 0

  get size(): number {
    return this.count
  }

  add(claim: Claim): void {
    const run = this.runs.get(claim.run) ?? new Map<number, Claim>()
    this.runs.set(claim.run, run)
    if (!run.has(claim.task.seq)) this.count++
    run.set(claim.task.seq, claim)
  }

  /** Whether it is this very claim, not a later one of the same task run. */
  has(claim: Claim): boolean {
    return this.runs.get(claim.run)?.get(claim.task.seq) === claim
  }

  holds(run: number, seq: number): boolean {
    return this.runs.get(run)?.has(seq) ?? false
  }

  remove(claim: Claim): void {
    const run = this.runs.get(claim.run)
    if (!run || !this.has(claim)) return
    run.delete(claim.task.seq)
    this.count--
    if (run.size === 0) this.runs.delete(claim.run)
  }

  /** Those of a run, all or some. */
  list(run: number, seqs?: ReadonlySet<number>): Claim[] {
    return [...(this.runs.get(run)?.values() ?? [])].filter(({ task }) => !seqs || seqs.has(task.seq))
  }

  /** Takes out those of a run, all or some. */
  take(run: number, seqs?: ReadonlySet<number>): Claim[] {
    const taken = this.list(run, seqs)
    for (const claim of taken) this.remove(claim)
    return taken
  }

  /** Numbers of the runs that it holds tasks of. */
  get numbers(): number[] {
    return [...this.runs.keys()]
  }

  /** Numbers of the tasks that it holds of a run. */
  seqs(run: number): number[] {
    return [...(this.runs.get(run)?.keys() ?? [])]
  }

  clear(): void {
    this.runs.clear()
    this.count = 0
  }
}
