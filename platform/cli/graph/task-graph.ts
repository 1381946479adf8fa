/** One place in a flow where a task is called. */
export interface TaskCall {
  /** From 0, in the order in which the flow comes to the calls. */
  readonly id: number
  readonly task: string
  /** From 1, where the flow calls the same task at several places. */
  readonly number: number | undefined
  /** How often it runs: a count where the code says it, `many` for a map or a loop over what is not known before. */
  readonly times: number | 'many'
  /** It stands in a branch that a run may pass by. */
  readonly conditional: boolean
  /** What is worth knowing of the task's options: "3 retries", "timeout 10 minutes". */
  readonly settings: readonly string[]
}

/**
 * How one call depends on another:
 * - data: the result of `from` goes into the arguments of `to`;
 * - again: the same, but of the round before, in a loop;
 * - order: `to` takes nothing of `from`, but starts only when that is done.
 */
export interface TaskEdge {
  readonly from: number
  readonly to: number
  readonly kind: 'data' | 'again' | 'order'
}

/** How the tasks of a flow hang together, as far as its code tells without running it. */
export interface TaskGraph {
  readonly flow: string
  readonly calls: readonly TaskCall[]
  readonly edges: readonly TaskEdge[]
  /** False where the flow's code was too much to follow to the end. */
  readonly complete: boolean
}
