import { median, quantile } from './statistics.ts'

/** A task system with two one-slot workers, ready to be measured; ours or another. */
export interface Contender extends AsyncDisposable {
  /** Runs `count` trivial tasks, results taken by the one who asked. @returns milliseconds */
  map(count: number): Promise<number>
  /** One trivial task after the other. @returns milliseconds of each */
  inTurn(count: number): Promise<readonly number[]>
}

export interface Showing {
  /** Tasks a second, of many. */
  readonly rate: number
  /** Milliseconds of one task there and back. */
  readonly p50: number
  readonly p95: number
  /** Milliseconds of a map of 40. */
  readonly forty: number
}

/** The same tests for everybody: a warm-up, three large maps, small ones, single tasks. */
export async function show(contender: Contender, sizes: { tasks: number; single: number }): Promise<Showing> {
  await contender.map(500)
  const large: number[] = []
  for (let i = 0; i < 3; i++) large.push(await contender.map(sizes.tasks))
  const small: number[] = []
  for (let i = 0; i < 5; i++) small.push(await contender.map(40))
  const single = await contender.inTurn(sizes.single)
  return {
    rate: sizes.tasks / (median(large) / 1000),
    p50: quantile(single, 0.5),
    p95: quantile(single, 0.95),
    forty: median(small),
  }
}
