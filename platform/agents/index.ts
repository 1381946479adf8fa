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
