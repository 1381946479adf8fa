import {
  type Claimer,
  type Database,
  type DeploymentRecord,
  enqueue,
  type FlowRun,
  PostgresStore,
  type QueuedRun,
  runOfDeployment,
} from '@millrace/engine'
import { createDatabase, type TestDatabase } from '../../../database.ts'

const TABLES = [
  ...['ledger', 'notice', 'notice_rule', 'log_line', 'task_run', 'flow_run', 'schedule', 'deployment'],
  ...['dispatch_pause', 'label_limit', 'agent', 'work_queue'],
]
const DIGEST = 'a'.repeat(64)

/** A database of its own, and a store on it. */
export interface Scene {
  readonly server: TestDatabase
  readonly store: PostgresStore
  readonly database: Database
  /** Empties every table, as if the database were new. */
  empty(): Promise<void>
  close(): Promise<void>
}

export async function openScene(): Promise<Scene> {
  const server = await createDatabase()
  const store = await PostgresStore.open(server.url)
  return {
    server,
    store,
    database: store.database,
    empty: async () => {
      await server.query(
        `${TABLES.map((name) => `delete from ${name};`).join(' ')} insert into work_queue values ('default')`,
      )
    },
    close: async () => {
      await store.close()
      await server.drop()
    },
  }
}

export function deployment(more: Partial<DeploymentRecord> = {}): DeploymentRecord {
  const { name = 'hello', flow = 'hello' } = more
  return {
    name,
    flow,
    description: 'Greets.',
    owner: 'us',
    contact: 'us@example.org',
    queue: 'default',
    labels: [],
    params: {},
    env: 'dev',
    source: { flow, path: `bundles/${flow}/${DIGEST}.mjs`, digest: DIGEST },
    job: { bundles: 'file:/bundles', driver: {}, workers: { count: 0 }, secretVersions: {} },
    ...more,
  }
}

export function queuedRun(more: Partial<QueuedRun> = {}): QueuedRun {
  return { ...runOfDeployment(deployment()), ...more }
}

export async function queueOne(store: PostgresStore, more: Partial<QueuedRun> = {}): Promise<FlowRun> {
  const [queued] = await enqueue(store, [queuedRun(more)])
  if (!queued) throw new Error('nothing was queued')
  return queued.run
}

export function claimer(more: Partial<Claimer> = {}): Claimer {
  return { agent: 1, launcher: 'process', labels: [], exclusive: false, limit: 100, ...more }
}

export async function found(store: PostgresStore, id: string): Promise<FlowRun> {
  const run = await store.findRun(id)
  if (!run) throw new Error(`there is no run ${id}`)
  return run
}
