import { withoutUndefined } from '@millrace/sdk'
import type { DeploymentRecord } from './deployments.ts'
import type { JobRequest, Machine, QueuedRun } from './queued-run.ts'

/** What one run says above its deployment. */
export interface RunRequest
  extends Partial<Pick<QueuedRun, 'labels' | 'queue' | 'launcher' | 'key' | 'callbacks' | 'name'>> {
  /** Above those of the deployment. */
  readonly params?: Readonly<Record<string, unknown>>
  readonly priority?: number
  readonly notBefore?: number
  readonly timeout?: number
  /** Each field of them above those of the deployment. */
  readonly driver?: Machine
  readonly workers?: Partial<JobRequest['workers']>
  readonly cluster?: string
  readonly image?: string
}

/** What of a deployment its runs need. */
export type RunnableDeployment = Omit<DeploymentRecord, 'description' | 'owner' | 'contact' | 'branch' | 'schedule'>

/** A run of a deployment, to be queued: the deployment's word, and above it the run's own. */
export function runOfDeployment(deployment: RunnableDeployment, request: RunRequest = {}): QueuedRun {
  const { params, driver, workers, cluster, image, ...own } = request
  const { flow, queue, labels, launcher, env, source, timeout, priority, release, commit } = deployment
  const job: JobRequest = {
    ...deployment.job,
    driver: { ...deployment.job.driver, ...driver },
    workers: { ...deployment.job.workers, ...workers },
    ...(cluster !== undefined && { cluster }),
    ...(image !== undefined && { image }),
  }
  return {
    flow,
    deployment: deployment.name,
    name: '',
    params: { ...deployment.params, ...params },
    env,
    executor: job.workers.count > 0 || job.cluster !== undefined ? 'cluster' : 'threads',
    source,
    queue,
    labels,
    ...(launcher !== undefined && { launcher }),
    ...(timeout !== undefined && { timeout }),
    ...(priority !== undefined && { priority }),
    ...(release !== undefined && { release }),
    ...(commit !== undefined && { commit }),
    job,
    // What is asked for as undefined is not asked for.
    ...withoutUndefined(own),
  }
}
