export { Agent, type AgentNews, type AgentOptions, DEFAULT_LIMIT } from './agent.ts'
export { deploymentRecord, followReleases } from './follow-releases.ts'
export { type JobSurroundings, jobSpec } from './job-spec.ts'
export {
  type Job,
  type JobHandle,
  type JobReason,
  type JobSpec,
  type JobState,
  type JobStatus,
  LAUNCHERS,
  LaunchError,
  type Launcher,
  type LauncherKind,
} from './launcher.ts'
export type { Missing } from './missing.ts'
export { type LauncherSettings, openLauncher } from './open-launcher.ts'
export { type Pools, poolSettings } from './scale/pool-settings.ts'
export { type AgentSettings, type StartedAgent, startAgent } from './start-agent.ts'
export { type OpenLaunch, planSweep, type SweepAction, type SweepPatience } from './sweep/plan-sweep.ts'
export { type SweepOptions, type Swept, sweep } from './sweep/sweep.ts'
