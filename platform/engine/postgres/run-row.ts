import type { FlowSource } from '../flow-source.ts'
import type { RunState } from '../states.ts'
import type { FlowRun } from '../store/run-store.ts'
import type { Failure } from '../values/failure.ts'

/** A flow run as its row has it. */
export interface RunRow {
  no: number
  id: string
  flow: string
  name: string
  state: RunState
  message: string | null
  params: Record<string, unknown>
  env: string
  executor: string
  attempt: number
  labels: string[]
  source: FlowSource | null
  driver: string | null
  failure: Failure | null
  created: number
  started: number | null
  ended: number | null
  deployment: string | null
  queue: string | null
  priority: number
  launcher: string | null
  launch: number
  notBefore: number | null
  timeout: number | null
  release: string | null
  commit: string | null
  store: string | null
  pool: string | null
}

/** Columns of a {@link RunRow}, of the table or alias `of`. */
export function runColumns(of: string): string {
  return RUN_COLUMNS.split(', ')
    .map((column) => `${of}.${column}`)
    .join(', ')
}

export const RUN_COLUMNS =
  'no, id, flow, name, state, message, params, env, executor, attempt, labels, source, driver, failure, created, started, ended, ' +
  'deployment, queue, priority, launcher, launch, not_before as "notBefore", timeout, release, commit, store, pool'

/** A run that never was in a queue has nothing to say of one. */
export function flowRunOf({ no: _no, priority, launch, ...run }: RunRow): FlowRun {
  return withoutNulls(run.queue === null ? run : { ...run, priority, launch }) as unknown as FlowRun
}

/** Fields that are null in the database are left out. */
export function withoutNulls(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
}
