export { CancelledError, SkipSignal, TimeoutError, UserError } from './errors.ts'
export {
  configFor,
  type Flow,
  type FlowDefinition,
  type FlowOptions,
  flow,
  type RunOn,
  type Schedule,
  type Workers,
} from './flow.ts'
export { describeIssues } from './issues.ts'
export { log, progress } from './log.ts'
export { nearest } from './nearest.ts'
export {
  abortSignal,
  type BatchSource,
  currentRun,
  currentScope,
  LOG_LEVELS,
  type LogEntry,
  type LogLevel,
  type Progress,
  type RunInfo,
  type Scope,
  type Settled,
  type SubmittedTask,
  type TaskBatch,
  type TaskRunner,
  withScope,
} from './scope.ts'
export { hideSecrets, redact, redactDeep, resolveSecrets, secret, secretVariable } from './secret.ts'
export { type FetchOptions, fetchToFile } from './store/fetch.ts'
export type { S3Options } from './store/s3.ts'
export { type Store, type StoreEntry, type StoreOptions, store } from './store/store.ts'
export {
  type MapInput,
  type MapItem,
  type ResolvedTaskOptions,
  type Skipped,
  settle,
  skip,
  type Task,
  type TaskDefinition,
  type TaskFuture,
  type TaskMap,
  type TaskOptions,
  task,
  taskNamed,
} from './task.ts'
export { type ByteSize, bytes, type Duration, formatBytes, formatDuration, milliseconds } from './units.ts'
export { withoutUndefined } from './without-undefined.ts'
