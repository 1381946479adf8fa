/** Releases as they are read and followed; without what makes bundles and images. */
export { type Effective, type EffectiveDeployment, effectiveDeployments } from './effective.ts'
export { localBundles, localRecords } from './local.ts'
export { pauseSchedule, readPause, resumeSchedule } from './pauses.ts'
