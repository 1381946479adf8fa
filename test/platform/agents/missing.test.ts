import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, type AgentNews } from '@millrace/agents'
import type { AgentRow } from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { processLauncher } from '../../../platform/agents/launchers/process.ts'
import { MissingWatch, missingAgents } from '../../../platform/agents/missing.ts'
import { PROJECT } from '../../process.ts'
import { until } from '../../until.ts'
import { openScene, queueOne, type Scene } from '../engine/dispatch/scene.ts'

const MINUTE = 60_000

const row = (more: Partial<AgentRow> = {}): AgentRow => ({
  ...{ id: 1, name: 'gke', host: 'h', pid: 1, launcher: 'kubernetes', place: 'p', labels: [], exclusive: false },
  ...{ limit: 1, stack: 'dev', version: '1', state: 'vanished', isAlive: false, going: 0, started: 0 },
  seenAgo: 3 * MINUTE,
  ...more,
})
const alive = { state: 'alive', isAlive: true, seenAgo: 0 } as const

describe('an agent is missing', () => {
  it('when it vanished, and none has come in its place', () => {
    expect(missingAgents([row()])).toEqual([
      { what: 'agent', name: 'gke', text: 'agent gke (kubernetes) has not been heard of for 3 min 0 s' },
    ])
  })

  it.each<[string, AgentRow[]]>([
    ['there', [row(alive)]],
    ['started anew', [row(), row({ id: 2, ...alive })]],
    ['one of two, of which the other one is there', [row({ ...alive }), row({ id: 2 })]],
    ['only just gone', [row({ seenAgo: 2 * MINUTE })]],
    ['gone with a goodbye', [row({ state: 'stopped' })]],
    ['gone with a goodbye, after it had vanished before', [row(), row({ id: 2, state: 'stopped' })]],
    ["somebody's laptop", [row({ exclusive: true })]],
  ])('not when it is %s', (_what, all) => {
    expect(missingAgents(all)).toEqual([])
  })

  it('once, however often it vanished', () => {
    expect(missingAgents([row(), row({ id: 2 }), row({ id: 3, name: 'vertex' })]).map(({ name }) => name)).toEqual([
      'gke',
      'vertex',
    ])
  })
})

let scene: Scene
beforeAll(async () => {
  scene = await openScene()
})
beforeEach(async () => {
  await scene.empty()
  await scene.server.query('delete from worker')
})
afterAll(() => scene.close())

async function putTasks(pool: string | null, state: 'Pending' | 'Running'): Promise<void> {
  const { id } = await queueOne(scene.store)
  await scene.server.query(`update flow_run set state = 'Running', pool = $2 where id = $1`, [id, pool])
  await scene.server.query(
    `insert into task_run (run, seq, key, task, state)
     select no, seq, 'k', 'measure', $2 from flow_run, generate_series(1, 3) seq where id = $1`,
    [id, state],
  )
}

const putWorker = (pool: string | null) =>
  scene.server.query(`insert into worker (name, host, pid, slots, version, pool) values ('w', 'h', 1, 1, '1', $1)`, [
    pool,
  ])

describe('a worker cluster is missing', () => {
  const look = (workers = 0) => new MissingWatch(scene.database, { workers }).look()

  it('when tasks wait there and it has no worker', async () => {
    await putTasks('cluster:standard', 'Pending')
    await putWorker('cluster:big')
    await putWorker(null)
    expect(await look()).toEqual([
      {
        what: 'worker cluster',
        name: 'standard',
        text: expect.stringMatching(/^worker cluster standard has had no worker for .+, and 3 tasks wait$/),
      },
    ])
  })

  it('not when it has one', async () => {
    await putTasks('cluster:standard', 'Pending')
    await putWorker('cluster:standard')
    expect(await look()).toEqual([])
  })

  it('not before the first worker may have come', async () => {
    await putTasks('cluster:standard', 'Pending')
    expect(await look(5 * MINUTE)).toEqual([])
  })

  it('nor for tasks of runs that bring their own workers, or of none', async () => {
    await putTasks('run:r1', 'Pending')
    await putTasks(null, 'Pending')
    await putTasks('cluster:standard', 'Running')
    expect(await look()).toEqual([])
  })

  it('anew when it was there in between', async () => {
    await putTasks('cluster:standard', 'Pending')
    const watch = new MissingWatch(scene.database, { workers: 50 })
    await watch.look()
    await until(async () => (await watch.look()).length > 0)
    await putWorker('cluster:standard')
    expect(await watch.look()).toEqual([])
    await scene.server.query('delete from worker')
    expect(await watch.look()).toEqual([])
  })
})

it('an agent says what is missing, and looks after the size of worker clusters', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-missing-'))
  await scene.server.query(
    `insert into agent (name, host, pid, launcher, place, labels, exclusive, most, stack, version, seen)
     values ('gke', 'h', 1, 'kubernetes', 'p', '{}', false, 1, 'dev', '1', now() - interval '10 minutes')`,
  )
  const news: AgentNews[] = []
  let scaled = 0
  const agent = await Agent.start({
    store: scene.store,
    launcher: processLauncher({ root: PROJECT, folder, stack: 'dev' }),
    labels: [],
    surroundings: { stack: 'dev', database: scene.server.url },
    tell: (each) => news.push(each),
    scale: async () => void scaled++,
    every: { missing: 10, scale: 10 },
  })
  try {
    const found = await until(() => news.find(({ kind }) => kind === 'missing'))
    expect(found).toMatchObject({ what: 'agent', name: 'gke', text: expect.stringContaining('for 10 min') })
    await until(() => scaled > 1)
  } finally {
    await agent.stop(0)
    rmSync(folder, { recursive: true })
  }
})
