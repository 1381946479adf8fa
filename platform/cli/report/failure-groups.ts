import type { TaskRun } from '@millrace/engine'

/** Failed task runs that are looked into. */
export const MOST_FAILURES = 50

/** Failed task runs of one task that say the same, but for the numbers in it. */
export interface FailureGroup {
  readonly task: string
  /** The first of them. */
  readonly first: TaskRun
  readonly seqs: readonly number[]
}

export interface FailureSummary {
  /** Those with most task runs first. */
  readonly groups: readonly FailureGroup[]
  /** All failed task runs, also those that are not in a group. */
  readonly total: number
}

/** Groups the first failed task runs by what they say. */
export class FailureGroups {
  private total = 0
  private readonly groups = new Map<string, { task: string; first: TaskRun; seqs: number[] }>()

  add(run: TaskRun): void {
    if (run.state !== 'Failed' && run.state !== 'Crashed') return
    this.total++
    if (this.total > MOST_FAILURES) return
    const { name = '', message = '' } = run.failure ?? {}
    // "tile 7: not there" and "tile 12: not there" are one trouble.
    const key = [run.task, name, message.replace(/\d+/g, '#')].join('\0')
    const group = this.groups.get(key)
    if (group) group.seqs.push(run.seq)
    else this.groups.set(key, { task: run.task, first: run, seqs: [run.seq] })
  }

  finish(): FailureSummary {
    return { groups: [...this.groups.values()].sort((a, b) => b.seqs.length - a.seqs.length), total: this.total }
  }
}
