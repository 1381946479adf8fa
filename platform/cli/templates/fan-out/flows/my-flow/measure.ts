import { progress, store, task, UserError } from '@millrace/sdk'
import { z } from 'zod'
import { linesOf } from './lines.ts'
import type { Part } from './plan.ts'
import plausible from './plausible.json' with { type: 'json' }
import { both, type StationTally, type Tally } from './tally.ts'

const reading = z.object({ station: z.string(), value: z.number() })

/** Reads one part. At most eight are read at once, however many threads or workers there are. */
export const measure = task(
  'measure',
  { retries: 3, backoff: 'exponential', timeout: '30 minutes', limit: 8 },
  async ({ path, size }: Part, source: string): Promise<Tally> => {
    const stations = new Map<string, StationTally>()
    let [number, leftOut] = [0, 0]
    const heard = (done: number): void => progress(done, size, 'bytes')
    for await (const line of linesOf(store(source).stream(path), heard)) {
      const { station, value } = parse(line, `${path}, line ${++number}`)
      if (value < plausible.lowest || value > plausible.highest) leftOut++
      else stations.set(station, both(stations.get(station), { count: 1, sum: value, lowest: value, highest: value }))
    }
    return { stations: Object.fromEntries(stations), leftOut }
  },
)

/** @throws UserError when a line is not a reading */
function parse(line: string, where: string): z.output<typeof reading> {
  try {
    return reading.parse(JSON.parse(line))
  } catch {
    throw new UserError(`${where}: expected a reading such as {"station": "north", "value": 3.5}, got ${line}`)
  }
}
