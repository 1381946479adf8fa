import type { V1Job } from '@kubernetes/client-node'
import { type JobSpec, jobLabels } from '../../launcher.ts'
import { activeSeconds } from './deadline.ts'
import { PART } from './labels.ts'
import { PHASE, type Phase } from './phase.ts'
import { type PodOptions, podTemplate } from './pod-template.ts'

/** A finished job that nobody removes goes by itself after a day (s). */
const KEPT = 86_400
/** A worker that breaks is put in its place again so often: a task that kills its worker fails before that. */
const WORKER_LIVES = 5

/** The Job of the driver, which does not start yet. It never starts again by itself: that is for the agent to say. */
export function driverJob(spec: JobSpec, options: PodOptions): V1Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: spec.name,
      labels: { ...jobLabels(spec), [PART]: 'driver' },
      annotations: { [PHASE]: 'making' satisfies Phase },
    },
    spec: {
      suspend: true,
      completions: 1,
      parallelism: 1,
      backoffLimit: 0,
      ttlSecondsAfterFinished: KEPT,
      template: podTemplate('driver', spec, options),
    },
  }
}

export function workersName(name: string): string {
  return `${name}-workers`
}

/**
 * The Job of the workers. It belongs to the driver's, and goes with it. One that is taken away or breaks does not take the
 * others along, as it would where a Job has one limit for all of its pods: it is replaced, and its tasks are done again.
 */
export function workersJob(spec: JobSpec, driver: V1Job, options: PodOptions): V1Job {
  const seconds = activeSeconds(driver, spec.deadline)
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: workersName(spec.name),
      labels: { ...jobLabels(spec), [PART]: 'workers' },
      annotations: { [PHASE]: 'started' satisfies Phase },
      // No `blockOwnerDeletion`: that would take the right to change the owner's finalizers.
      ownerReferences: [
        { apiVersion: 'batch/v1', kind: 'Job', name: spec.name, uid: driver.metadata?.uid ?? '', controller: false },
      ],
    },
    spec: {
      completionMode: 'Indexed',
      completions: spec.workers.count,
      parallelism: spec.workers.count,
      backoffLimitPerIndex: WORKER_LIVES,
      // Machines that are taken away do not count.
      podFailurePolicy: {
        rules: [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
      ttlSecondsAfterFinished: KEPT,
      ...(seconds !== undefined && { activeDeadlineSeconds: seconds }),
      template: podTemplate('workers', spec, options),
    },
  }
}
