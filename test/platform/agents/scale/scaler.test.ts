import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startAgent } from '@millrace/agents'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PoolSettings } from '../../../../platform/agents/scale/pool-settings.ts'
import { poolScaler, type Scaler } from '../../../../platform/agents/scale/scaler.ts'
import { type GoogleJobs, googleJobs } from '../../../fakes/cloud-run/google-jobs.ts'
import { refusePermission } from '../../../fakes/google-cloud/answers.ts'
import { PROJECT as ROOT } from '../../../process.ts'
import { until } from '../../../until.ts'
import { found, openScene, queueOne, type Scene } from '../../engine/dispatch/scene.ts'

const PROJECT = 'example-project'
const REGION = 'europe-west1'
const POOL = 'workers-standard'

let scene: Scene
let google: GoogleJobs
const scalers: Scaler[] = []
const said: string[] = []

beforeAll(async () => {
  scene = await openScene()
})
beforeEach(async () => {
  await scene.empty()
  await scene.server.query('delete from worker')
  google = await googleJobs({ project: PROJECT, region: REGION, start: () => 'out of memory' })
  google.run.pools.add(POOL, 0)
  said.length = 0
})
afterEach(async () => {
  await Promise.all(scalers.splice(0).map((each) => each.close()))
  await google.close()
})
afterAll(() => scene.close())

/** @param more of the settings; with no cooldown, so that nothing has to be waited for */
function scaler(more: Partial<PoolSettings> = {}, endpoint = google.endpoint): Scaler {
  const standard = { pool: POOL, min: 0, max: 5, tasksPerWorker: 2, cooldown: 0, ...more }
  const { database } = scene
  const say = (_level: string, text: string): number => said.push(text)
  const made = poolScaler({ database, pools: { standard }, project: PROJECT, region: REGION, endpoint, say })
  scalers.push(made)
  return made
}

/** Task runs of a run that goes on, on that cluster. */
async function putTasks(count: number, state: 'Pending' | 'Running', cluster = 'standard'): Promise<void> {
  const { id } = await queueOne(scene.store)
  await scene.server.query(`update flow_run set state = 'Running', pool = $2 where id = $1`, [id, `cluster:${cluster}`])
  await scene.server.query(
    `insert into task_run (run, seq, key, task, state)
     select no, seq, 'k', 'measure', $2 from flow_run, generate_series(1, $3::int) seq where id = $1`,
    [id, state, count],
  )
  expect(await found(scene.store, id)).toMatchObject({ state: 'Running' })
}

const endTasks = () => scene.server.query(`update task_run set state = 'Completed', ended = now()`)
const sizes = () => google.run.pools.sizes(POOL)

describe('a worker pool of Cloud Run', () => {
  it('gets instances for what waits, and loses them when all is done', async () => {
    const one = scaler()
    await one.look()
    expect(sizes()).toEqual([])
    await putTasks(5, 'Pending')
    await one.look()
    await one.look()
    expect(sizes()).toEqual([3])
    await endTasks()
    await one.look()
    expect(sizes()).toEqual([3, 0])
    expect(said).toEqual([
      'worker cluster standard: 3 instances, not 0; 5 tasks wait, 0 run',
      'worker cluster standard: 0 instances, not 3; 0 tasks wait, 0 run',
    ])
  })

  it('is changed in its number alone', async () => {
    const before = google.run.pools.body(POOL)
    await putTasks(4, 'Pending')
    await scaler().look()
    expect(google.run.pools.body(POOL)).toEqual({ ...before, scaling: { manualInstanceCount: 2 } })
  })

  it('is not asked for by tasks of another cluster', async () => {
    await putTasks(5, 'Pending', 'big')
    await scaler().look()
    expect(sizes()).toEqual([])
  })

  it('is left alone when nothing has to change', async () => {
    google.run.pools.add(POOL, 1)
    await putTasks(1, 'Running')
    await scaler().look()
    expect(google.faults.asked.filter((line) => !line.startsWith('GET '))).toEqual([])
  })

  it('is changed once by two agents that look at the same time', async () => {
    await putTasks(5, 'Pending')
    await Promise.all([scaler().look(), scaler().look(), scaler().look()])
    expect(sizes()).toEqual([3])
  })
})

describe('a busy worker is never cut', () => {
  beforeEach(() => google.run.pools.add(POOL, 5))

  it('while one task runs', async () => {
    await putTasks(1, 'Running')
    await scaler().look()
    expect(sizes()).toEqual([])
  })

  it('while it says itself that it holds something', async () => {
    await scene.server.query(
      `insert into worker (name, host, pid, slots, version, pool, running) values ('w', 'h', 1, 1, '1', 'cluster:standard', 1)`,
    )
    await scaler().look()
    expect(sizes()).toEqual([])
    await scene.server.query('update worker set running = 0')
    await scaler().look()
    expect(sizes()).toEqual([0])
  })

  it('soon after there was something to do', async () => {
    await scaler({ cooldown: 300 }).look()
    expect(sizes()).toEqual([])
  })

  it('by who takes up a task after the look that found nothing', async () => {
    const proxy = createServer(async (request, response) => {
      if (request.method === 'GET') await putTasks(1, 'Running')
      const answer = await fetch(`${google.endpoint}${request.url}`, { method: request.method ?? 'GET' })
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    await scaler({}, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`).look()
    expect(google.faults.asked).toHaveLength(1)
    expect(sizes()).toEqual([])
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
  })
})

describe('an agent', () => {
  const settings = (project?: string) => ({
    launcher: 'process',
    where: { stack: 'test', root: ROOT, folder: '/nowhere', project, region: REGION },
    labels: [],
    database: scene.server.url,
    pools: { standard: { pool: POOL, min: 2, max: 5, tasksPerWorker: 2, cooldown: 300 } },
    every: { scale: 10 },
    tell: () => {},
  })

  it('looks after the worker pools that it is told of', async () => {
    vi.stubEnv('MILLRACE_GOOGLE_ENDPOINT', google.endpoint)
    const started = await startAgent(settings(PROJECT))
    try {
      await until(() => sizes().length > 0)
      expect(sizes()).toEqual([2])
    } finally {
      await started.stop(0)
      vi.unstubAllEnvs()
    }
  })

  it('says what is missing when it is not told where they are', async () => {
    await expect(startAgent(settings())).rejects.toThrow('worker pools need a project: MILLRACE_PROJECT')
  })
})

describe('what cannot be done is said once, and done later', () => {
  it('names the permission that is missing', async () => {
    await putTasks(1, 'Pending')
    const one = scaler()
    const denied = refusePermission('run.workerpools.update', `projects/${PROJECT}/locations/${REGION}`)
    google.faults.failNext(/^PATCH /, denied, 2)
    await one.look()
    await one.look()
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(
      /^worker cluster standard is not scaled: Cannot set the number of instances of the worker pool workers-standard to 1 on Cloud Run: .*run\.workerpools\.update/,
    )
    await one.look()
    expect(sizes()).toEqual([1])
  })

  it('also that there is no such pool, while others are looked after', async () => {
    await putTasks(1, 'Pending')
    await putTasks(1, 'Pending', 'big')
    google.run.pools.add('workers-big', 0)
    const standard = { pool: 'workers-gone', min: 0, max: 5, tasksPerWorker: 2, cooldown: 0 }
    const pools = { standard, big: { ...standard, pool: 'workers-big' } }
    const { database } = scene
    const { endpoint } = google
    const say = (_level: string, text: string): number => said.push(text)
    const one = poolScaler({ database, pools, project: PROJECT, region: REGION, endpoint, say })
    scalers.push(one)
    await one.look()
    expect(said.join('\n')).toContain("Resource 'workers-gone' of kind 'WORKER_POOL' does not exist.")
    expect(google.run.pools.sizes('workers-big')).toEqual([1])
  })

  it('and what was done though its answer was lost is not done again', async () => {
    await putTasks(1, 'Pending')
    const one = scaler()
    google.faults.loseAnswer(/^PATCH /)
    await one.look()
    await one.look()
    expect(said.join('\n')).toContain('no answer')
    expect(sizes()).toEqual([1])
  })

  it('as is why a pool does not come up', async () => {
    google.run.pools.setTrouble(POOL, "Image 'worker' not found.")
    const one = scaler()
    await one.look()
    await one.look()
    expect(said).toEqual(["worker cluster standard does not come up: Image 'worker' not found."])
  })
})
