import { describe, expect, it } from 'vitest'
import { instancesFor, type Load } from '../../../../platform/agents/scale/instances.ts'
import { poolSettings } from '../../../../platform/agents/scale/pool-settings.ts'

const MINUTE = 60_000
const POOL = { min: 1, max: 5, tasksPerWorker: 4, cooldown: 300 }
const load = (waiting: number, running = 0, busy = running > 0 ? 1 : 0): Load => ({ waiting, running, busy })

describe('a worker cluster on Cloud Run', () => {
  it.each<[what: string, load: Load, now: number, quietFor: number, instances: number]>([
    ['has its least with nothing to do', load(0), 0, 0, 1],
    ['keeps it', load(0), 1, 60 * MINUTE, 1],
    ['grows with what waits', load(8), 1, 0, 2],
    ['has one more for the last few', load(9), 1, 0, 3],
    ['counts what runs, too', load(4, 9), 1, 0, 4],
    ['has no more than its most', load(10_000), 1, 0, 5],
    ['is not grown where it is large enough', load(8), 4, 0, 4],
    ['loses nobody while one task waits', load(1), 5, 60 * MINUTE, 5],
    ['loses nobody while one task runs', load(0, 1), 5, 60 * MINUTE, 5],
    ['loses nobody while a worker says that it holds something', load(0, 0, 1), 5, 60 * MINUTE, 5],
    ['loses nobody before it has been quiet for a while', load(0), 5, 5 * MINUTE - 1, 5],
    ['goes back to its least after that', load(0), 5, 5 * MINUTE, 1],
    ['with more than a new most keeps them, too, while they work', load(0, 8), 9, 0, 9],
    ['with more than a new most goes back when they are done', load(0), 9, 5 * MINUTE, 1],
    ['with fewer than a new least grows at once', load(0), 0, 0, 1],
  ])('%s', (_what, each, now, quietFor, instances) => {
    expect(instancesFor(each, POOL, now, quietFor)).toBe(instances)
  })

  it('may go down to nothing', () => {
    expect(instancesFor(load(0), { ...POOL, min: 0 }, 3, 5 * MINUTE)).toBe(0)
    expect(instancesFor(load(1), { ...POOL, min: 0 }, 0, 0)).toBe(1)
  })
})

it('settings of pools that cannot be are refused', () => {
  const pool = { pool: 'workers-standard', min: 0, max: 5, tasksPerWorker: 20 }
  expect(poolSettings.parse({ standard: pool })).toEqual({ standard: { ...pool, cooldown: 300 } })
  for (const wrong of [{ min: 6 }, { min: -1 }, { max: 0 }, { tasksPerWorker: 0 }, { pool: '' }, { slots: 2 }]) {
    expect(poolSettings.safeParse({ standard: { ...pool, ...wrong } }).success, JSON.stringify(wrong)).toBe(false)
  }
})
