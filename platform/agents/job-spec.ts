import type { ClaimedRun } from '@millrace/engine'
import type { JobSpec } from './launcher.ts'

/** What an agent tells every job that it launches. */
export interface JobSurroundings {
  readonly stack: string
  /** The database, as jobs reach it. */
  readonly database: string
  /** Where jobs write whose deployment does not say: a URL. */
  readonly store?: string | undefined
  /** Further variables: they stand below those of the run contract. */
  readonly environment?: Readonly<Record<string, string>> | undefined
}

/** A machine may be this long (ms) in coming: a job is not stopped for its deadline before. */
const START = 3_600_000

/** Pure: the job of a run that was claimed. */
export function jobSpec(claimed: ClaimedRun, surroundings: JobSurroundings): JobSpec {
  const { id, flow, launch, job, env, source, jobName } = claimed
  const deadline = deadlineOf(claimed)
  const { stack, database, environment } = surroundings
  const store = job.store ?? surroundings.store
  const { image, account, driver, workers, secretVersions } = job
  return {
    name: jobName,
    run: id,
    launch,
    flow,
    stack,
    environment: {
      ...environment,
      MILLRACE_RUN: id,
      MILLRACE_LAUNCH: String(launch),
      MILLRACE_EXECUTOR: claimed.executor,
      MILLRACE_DATABASE: database,
      MILLRACE_ENV: env,
      ...(source && { MILLRACE_BUNDLE: `${job.bundles}/${flow}/${source.digest}.mjs` }),
      ...(store !== undefined && { MILLRACE_STORE: store }),
      ...(Object.keys(secretVersions).length > 0 && { MILLRACE_SECRETS: JSON.stringify(secretVersions) }),
    },
    driver,
    workers,
    ...(image !== undefined && { image }),
    ...(account !== undefined && { account }),
    ...(deadline !== undefined && { deadline }),
  }
}

/** The driver keeps the run's time-out itself, from when it takes it up; the platform stops what is left long after. */
function deadlineOf({ deadline, timeout, claimed }: ClaimedRun): number | undefined {
  if (timeout === undefined) return undefined
  return Math.max(deadline ?? 0, claimed + START + timeout)
}
