import { setTimeout as sleep } from 'node:timers/promises'
import { flow, log, task } from '@millrace/sdk'
import { z } from 'zod'

/** Waits, or keeps a processor busy, for `ms` milliseconds. @returns the item's number */
const burn = task('burn', async (item: number, ms: number, how: 'sleep' | 'cpu'): Promise<number> => {
  if (how === 'sleep') {
    if (ms > 0) await sleep(ms)
  } else {
    const end = performance.now() + ms
    while (performance.now() < end);
  }
  return item
})

/** A load of a known size: for measuring, and for seeing a cluster at work. */
export default flow(
  {
    name: 'burn',
    description: 'Runs a number of tasks that each wait, or compute, for a given time.',
    owner: 'platform',
    contact: 'platform@example.org',
    sources: [],
    sinks: [],
    params: z.object({
      tasks: z.int().min(0).max(10_000_000).default(500).describe('How many tasks'),
      ms: z.number().min(0).default(0).describe('How long each takes, in milliseconds'),
      how: z.enum(['sleep', 'cpu']).default('sleep').describe('Wait, or keep a processor busy'),
      inTurn: z.boolean().default(false).describe('Each task only when the one before has come back'),
    }),
    runName: ({ tasks, ms, how }) => `burn-${tasks}x${ms}ms-${how}`,
  },
  async ({ tasks, ms, how, inTurn }) => {
    let done = 0
    if (inTurn) {
      const took: number[] = []
      for (; done < tasks; done++) {
        const began = performance.now()
        await burn(done, ms, how)
        took.push(performance.now() - began)
      }
      const [median = 0] = took.sort((a, b) => a - b).slice(Math.floor(took.length / 2))
      log.info('one task, there and back', { medianMs: Number(median.toFixed(3)) })
      return { done, medianMs: median }
    }
    for await (const _item of burn.map(numbers(tasks), ms, how)) done++
    log.info('burned', { tasks: done })
    return { done }
  },
)

function numbers(count: number): Iterable<number> {
  return count <= 100_000 ? Array.from({ length: count }, (_, i) => i) : upTo(count)
}

function* upTo(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i
}
