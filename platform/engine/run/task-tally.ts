import type { Progress } from '@millrace/sdk'

/** How the calls of one task stand. */
export interface TaskTally {
  /** Calls there will be, where that is known. */
  total: number | undefined
  submitted: number
  running: number
  done: number
  failed: number
  skipped: number
  /** Taken from the journal or the cache. */
  reused: number
  /** From inside tasks that are running: sums of what they said. */
  readonly progress: Map<number, Progress>
}

export function newTally(): TaskTally {
  return {
    total: undefined,
    submitted: 0,
    running: 0,
    done: 0,
    failed: 0,
    skipped: 0,
    reused: 0,
    progress: new Map(),
  }
}
