import { flow, task } from '@millrace/sdk'
import { z } from 'zod'

const inc = task('inc', async (n: number): Promise<number> => n + 1)

/** What a run of this flow measured. */
export interface IncResult {
  /** Milliseconds of the whole map. */
  readonly ms: number
  /** Milliseconds of each call, when made in turn. */
  readonly took: readonly number[]
}

/** The least a task can do, many times: what is measured is everything around it. */
export default flow(
  {
    name: 'bench-inc',
    params: z.object({
      tasks: z.int().min(0),
      /** Tasks run before, that do not count. */
      warmUp: z.int().min(0).default(500),
      /** Each only when the one before has come back. */
      inTurn: z.boolean().default(false),
    }),
  },
  async ({ tasks, warmUp, inTurn }): Promise<IncResult> => {
    await inc.map(Array.from({ length: warmUp }, (_, i) => -1 - i))
    const numbers = Array.from({ length: tasks }, (_, i) => i)
    const took: number[] = []
    const began = performance.now()
    if (inTurn) {
      for (const n of numbers) {
        const start = performance.now()
        await inc(n)
        took.push(performance.now() - start)
      }
    } else check(await inc.map(numbers))
    return { ms: performance.now() - began, took }
  },
)

function check(results: readonly number[]): void {
  const wrong = results.findIndex((result, n) => result !== n + 1)
  if (wrong >= 0) throw new Error(`inc(${wrong}) gave ${results[wrong]}`)
}
