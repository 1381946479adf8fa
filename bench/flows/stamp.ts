import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { flow, task } from '@millrace/sdk'
import { z } from 'zod'

/** What a task leaves in the file when it starts and when it ends. */
export interface Stamp {
  readonly stage: number
  readonly item: number
  readonly what: 'start' | 'end'
  /** Of the process that ran it. */
  readonly pid: number
  /** Milliseconds since the epoch. */
  readonly time: number
}

const stamp = async (stage: number, item: number, ms: number, file: string): Promise<number> => {
  const leave = (what: Stamp['what']): void => {
    const line: Stamp = { stage, item, what, pid: process.pid, time: performance.timeOrigin + performance.now() }
    appendFileSync(file, `${JSON.stringify(line)}\n`)
  }
  leave('start')
  await sleep(ms)
  leave('end')
  return item
}

const first = task('first', (item: number, ms: number, file: string) => stamp(1, item, ms, file))
const second = task('second', (item: number, ms: number, file: string) => stamp(2, item, ms, file))

/** Tasks that leave a trace outside of the engine: it tells when, where and how often each of them ran. */
export default flow(
  {
    name: 'bench-stamp',
    params: z.object({
      items: z.int().min(1),
      ms: z.number().min(0),
      file: z.string(),
      /** With two, the second map takes the results of the first. */
      stages: z.union([z.literal(1), z.literal(2)]).default(1),
    }),
  },
  async ({ items, ms, file, stages }) => {
    const done = await first.map(
      Array.from({ length: items }, (_, i) => i),
      ms,
      file,
    )
    if (stages === 2) await second.map(done, ms, file)
  },
)
