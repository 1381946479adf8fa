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
}

export const RUN_COLUMNS =
  'no, id, flow, name, state, message, params, env, executor, attempt, labels, source, driver, failure, created, started, ended'

export function flowRunOf({ no: _no, ...run }: RunRow): FlowRun {
  return withoutNulls(run) as unknown as FlowRun
}

/** Fields that are null in the database are left out. */
export function withoutNulls(row: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
}
