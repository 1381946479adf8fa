import type { Bench } from './bench.ts'

/** What a number must be for a promise of DESIGN.md, section 8, to be kept; in the unit of its row. */
export type Bar = { readonly over: number } | { readonly under: number } | { readonly exactly: number }

/** One number that was measured. */
export interface Row {
  readonly metric: string
  readonly value: number
  /** For instance "tasks/s", "ms", "MB". */
  readonly unit: string
  readonly bar?: Bar | undefined
  /** What a reader must know beside the number. */
  readonly note?: string | undefined
}

/** What a run of the benchmarks was asked for. */
export interface BenchOptions {
  /** Small sizes, to try things; its numbers are worth nothing. */
  readonly quick: boolean
  /** Measure other task systems too. */
  readonly peers: boolean
  /** Measure other ways to build our own cluster too. */
  readonly alternatives: boolean
}

export interface Benchmark {
  readonly name: string
  /** In a sentence, what is measured. */
  readonly what: string
  readonly repetitions: number
  /**
   * Yields the rows of one repetition after the other, the same metrics each time, for as long as it is asked.
   * @throws SkippedError when it cannot be measured here, or was not asked for
   */
  run(bench: Bench): AsyncIterable<readonly Row[]>
}

/** Why a benchmark is left out, in a sentence. */
export class SkippedError extends Error {
  override name = 'SkippedError'
}

/** Whether a number keeps to a bar. */
export function isMet(bar: Bar, value: number): boolean {
  if ('over' in bar) return value > bar.over
  if ('under' in bar) return value < bar.under
  return value === bar.exactly
}
