export { bundleSource } from './bundle-source.ts'
export { type AgentRegistration, type AgentRow, agents, type NewAgent, registerAgent } from './dispatch/agents.ts'
export { changeQueued, type QueuedChange } from './dispatch/change-queued.ts'
export { backlog, type ClaimedRun, type Claimer, claimedRuns, claimRuns, giveBack } from './dispatch/claims.ts'
export { latestTime, nextTimes } from './dispatch/cron-times.ts'
export {
  compareDeployments,
  type DeploymentChanges,
  type DeploymentRecord,
  type DeploymentSchedule,
  deployments,
  findDeployment,
  registerDeployments,
} from './dispatch/deployments.ts'
export { type DispatchPause, dispatchPaused, pauseDispatch, resumeDispatch } from './dispatch/dispatch-pause.ts'
export { crashRun, type JobEnd, MOST_RESTARTS, rescheduleRun } from './dispatch/end-of-job.ts'
export { enqueue } from './dispatch/enqueue.ts'
export {
  databaseTime,
  endLaunch,
  knownRuns,
  type Launch,
  lastLaunch,
  launched,
  launches,
  type OpenLaunch,
} from './dispatch/ledger.ts'
export {
  claimNotices,
  type FinalState,
  NOTICE_LIFETIME,
  type Notice,
  type NoticeRule,
  noticeFailed,
  noticeSent,
  putRule,
  removeRule,
  rules,
  type UndeliveredNotice,
  undelivered,
} from './dispatch/notices.ts'
export type * from './dispatch/queued-run.ts'
export { KEY_SCOPES } from './dispatch/queued-run.ts'
export { retryRun } from './dispatch/retry-run.ts'
export { type RunnableDeployment, type RunRequest, runOfDeployment } from './dispatch/run-of-deployment.ts'
export { fireSchedules, type ScheduleRow, scheduledRun, scheduleKey, schedules } from './dispatch/schedules.ts'
export type { Day, TimeWindow } from './dispatch/time-window.ts'
export { withTurn } from './dispatch/turns.ts'
export { whyWaiting } from './dispatch/why-waiting.ts'
export {
  clearQueue,
  labelLimits,
  type Pause,
  pauseQueue,
  putLabelLimit,
  putQueue,
  type QueueRow,
  type QueueSettings,
  queues,
  removeQueue,
  resumeQueue,
} from './dispatch/work-queues.ts'
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
export { type ReaperOptions, startReaper } from './postgres/reaper.ts'
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
export { clusterOf, clusterPool } from './worker/pool.ts'
export { Worker, type WorkerOptions } from './worker/worker.ts'
