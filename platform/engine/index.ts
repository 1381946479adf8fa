export { bundleSource } from './bundle-source.ts'
export type * from './dispatch/queued-run.ts'
export { EXECUTORS, type ExecutorKind } from './executors/executor.ts'
export {
  checkFlowName,
  type FlowSource,
  flowNames,
  flowSource,
  importFlow,
  type LoadedFlow,
  loadFlow,
  projectRoot,
} from './flow-source.ts'
export { Database, DatabaseGoneError, place } from './postgres/database.ts'
export type { ReaperOptions } from './postgres/reaper.ts'
export { PostgresStore } from './postgres/run-store.ts'
export { liveWorkers, queueDepth, tellWorker, type WorkerRow } from './postgres/workers.ts'
export { createRun, type NewFlowRun } from './run/create-run.ts'
export { type DrivenRun, type DriveOptions, driveRun } from './run/drive.ts'
export type { TaskTally } from './run/task-tally.ts'
export { type SlotOptions, Slots } from './slots/slots.ts'
export { isFinalRun, isFinalTask, RUN_STATES, type RunState, TASK_STATES, type TaskState } from './states.ts'
export { memoryStore } from './store/memory.ts'
export type * from './store/run-store.ts'
export { toError, toFailure } from './values/failure.ts'
export { VERSION } from './version.ts'
export { Worker, type WorkerOptions } from './worker/worker.ts'
