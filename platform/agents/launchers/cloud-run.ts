import type { Job, JobHandle, JobSpec, JobStatus, Launcher } from '../launcher.ts'
import { LaunchError, readJobLabels } from '../launcher.ts'
import { type CloudRun, type Execution, openCloudRun, type RunJob, timeOf } from './cloud-run/api.ts'
import { type Definitions, definitions, workersOf } from './cloud-run/job-definition.ts'
import { definedStatus, executionStatus } from './cloud-run/job-status.ts'
import { quoted } from './google/driver-log.ts'
import { openedApi } from './google/opened-api.ts'
import { isRefusal, mayPass } from './google/refusal.ts'
import type { Transport } from './google/transport.ts'
import { waitFor } from './google/wait.ts'

export interface CloudRunLauncherOptions {
  readonly project: string
  readonly region: string
  readonly stack: string
  /** Network that jobs reach the database by: a name, or `projects/…/global/networks/NAME`. @default none but the internet */
  readonly network?: string
  /** Stands for Google Cloud, and is asked without credentials. @default MILLRACE_GOOGLE_ENDPOINT */
  readonly endpoint?: string
}

/** How long (ms) Google may take to make a definition, or to stop what is to be removed. */
const MADE_WITHIN_MS = 120_000
const STOPPED_WITHIN_MS = 60_000
/** How many jobs are asked about at once. */
const AT_ONCE = 8

/**
 * Launches runs as jobs of Cloud Run. A run's job is a definition NAME with one task, the driver, and NAME-workers with a
 * task for each worker; its handle is NAME. Definitions are made first, and then started: one that was never started, because
 * whoever launched it was gone, is started by the next launch().
 */
export function cloudRunLauncher({ project, region, stack, network, ...options }: CloudRunLauncherOptions): Launcher {
  const { endpoint = process.env.MILLRACE_GOOGLE_ENDPOINT } = options
  const open = (transport: Transport): Promise<CloudRun> => openCloudRun(project, region, transport)
  const { tried, tail: tailOf, close } = openedApi({ name: 'Cloud Run', project, endpoint, open })

  async function launch(spec: JobSpec): Promise<JobHandle> {
    const wanted = definitions(spec, { network, now: Date.now() })
    return await tried(`create the job ${spec.name}`, async (run) => {
      try {
        const { driver, workers } = await makeAll(run, wanted)
        // Workers first, so that a driver that runs has them.
        if (workers) await startOnce(run, workers)
        await startOnce(run, driver)
      } catch (error) {
        if (!mayPass(error)) await leaveNothing(run, spec.name).catch(() => undefined)
        throw error
      }
      return spec.name
    })
  }

  async function status(handle: JobHandle): Promise<JobStatus> {
    return await tried(`look at the job ${handle}`, (run) => statusOf(run, handle))
  }

  async function cancel(handle: JobHandle): Promise<void> {
    await tried(`cancel the job ${handle}`, async (run) => {
      const [driver, workers] = await Promise.all([run.executions(handle), run.executions(workersOf(handle))])
      // Nothing to stop, and nothing that a launch() under way could start after this.
      if (driver.length === 0) await run.remove(handle)
      if (workers.length === 0) await run.remove(workersOf(handle))
      await stop(run, [...driver, ...workers])
    })
  }

  async function remove(handle: JobHandle): Promise<void> {
    await tried(`remove the job ${handle}`, (run) => removeAll(run, handle))
  }

  async function list(): Promise<Job[]> {
    return await tried('list jobs', async (run) => {
      const ours = (await run.jobs()).flatMap((job) => {
        const read = readJobLabels(job.labels ?? {})
        return read?.stack === stack ? [{ job, name: shortName(job), read }] : []
      })
      const drivers = new Set(ours.map(({ name }) => name))
      // Workers whose driver's definition is gone are listed by themselves, so that they are found.
      const listed = ours.filter(({ name }) => !isWorkers(name) || !drivers.has(driverOf(name)))
      const jobs = await inParts(listed, async ({ job, name, read: { run: id, launch, deadline } }) => ({
        handle: driverOf(name),
        run: id,
        launch,
        created: timeOf(job.createTime),
        ...(deadline !== undefined && { deadline }),
        status: isWorkers(name) ? WITHOUT_DRIVER : await listedStatus(run, job, name),
      }))
      return jobs.filter(({ handle, status: { state } }) => state !== 'gone' || !drivers.has(handle))
    })
  }

  async function tail(handle: JobHandle, lines = 20): Promise<string[]> {
    const logs = ['stdout', 'stderr'].map((each) => quoted(`projects/${project}/logs/run.googleapis.com%2F${each}`))
    const filter = [
      'resource.type="cloud_run_job"',
      `resource.labels.job_name=${quoted(handle)}`,
      `resource.labels.location=${quoted(region)}`,
      // Not what Cloud Run itself says of the job.
      `logName=(${logs.join(' OR ')})`,
    ].join(' AND ')
    return await tried(`read the log of the job ${handle}`, async (run) =>
      // The log outlives the job.
      (await run.job(handle)) ? await tailOf(filter, lines) : [],
    )
  }

  return {
    kind: 'cloud-run',
    place: `cloud-run ${project} ${region}`,
    launch,
    status,
    cancel,
    remove,
    list,
    tail,
    close,
  }
}

const WITHOUT_DRIVER: JobStatus = { state: 'gone', message: 'the definition of its driver is gone' }

interface Made {
  readonly name: string
  readonly job: RunJob
  /** It was there before, and may have been started. */
  readonly isFound: boolean
}

async function makeAll(run: CloudRun, { driver, workers }: Definitions): Promise<{ driver: Made; workers?: Made }> {
  const made = await Promise.allSettled([make(run, driver), workers && make(run, workers)])
  const errors = made.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []))
  // One that may pass leaves everything in place for the next launch().
  if (errors.length > 0) throw errors.find(mayPass) ?? errors[0]
  const [first, second] = made.map((each) => (each.status === 'fulfilled' ? each.value : undefined))
  if (!first) throw new Error(`nothing became of the definition ${driver.name}`)
  return { driver: first, ...(second && { workers: second }) }
}

async function make(run: CloudRun, { name, job }: Definitions['driver']): Promise<Made> {
  let failure: unknown
  try {
    const made = await run.create(name, job)
    if (made) return { name, job: made, isFound: false }
  } catch (error) {
    // An operation that failed may leave a definition that says why: an image that is not found.
    if (!isRefusal(error, 'NOT_FOUND', 'FAILED_PRECONDITION', 'INVALID_ARGUMENT', 'PERMISSION_DENIED')) throw error
    failure = error
  }
  const found = failure ? await run.job(name).catch(() => undefined) : await untilMade(run, name)
  if (!found) throw failure ?? new LaunchError('busy', `The job ${name} was on Cloud Run, and is not any more.`)
  return { name, job: found, isFound: true }
}

async function untilMade(run: CloudRun, name: string): Promise<RunJob | undefined> {
  const found = await waitFor(async () => {
    const job = await run.job(name)
    return job?.reconciling ? undefined : { job }
  }, MADE_WITHIN_MS)
  if (!found) throw new LaunchError('busy', `Cloud Run has been making the job ${name} for two minutes.`)
  return found.job
}

async function startOnce(run: CloudRun, { name, job, isFound }: Made): Promise<void> {
  if (job.terminalCondition?.state === 'CONDITION_FAILED') return
  const isStarted = isFound && (job.latestCreatedExecution?.name || (await run.executions(name)).length > 0)
  if (!isStarted) await run.run(name)
  // Another agent may have started it between our look and our start: the oldest goes on.
  const [, ...others] = await run.executions(name)
  await stop(run, others)
}

async function statusOf(run: CloudRun, name: string): Promise<JobStatus> {
  const [execution] = await run.executions(name)
  if (execution) return executionStatus(execution, isFailed(execution) ? await run.tasks(execution.name ?? '') : [])
  const job = await run.job(name)
  return job ? definedStatus(job) : { state: 'gone' }
}

/** What a list says of most jobs is all there is to know; of one that failed Google is asked why. */
async function listedStatus(run: CloudRun, job: RunJob, name: string): Promise<JobStatus> {
  switch (job.latestCreatedExecution?.completionStatus) {
    case 'EXECUTION_RUNNING':
      return { state: 'running' }
    case 'EXECUTION_SUCCEEDED':
      return { state: 'succeeded', exitCode: 0 }
    default:
      return await statusOf(run, name)
  }
}

async function stop(run: CloudRun, executions: readonly Execution[]): Promise<void> {
  const going = executions.filter((each) => !isOver(each))
  await Promise.all(going.map(({ name }) => run.cancel(name ?? '')))
}

async function removeAll(run: CloudRun, handle: JobHandle): Promise<void> {
  // The driver's definition goes last: as long as it is there the job is listed.
  for (const name of [workersOf(handle), handle]) await removeStopped(run, name)
}

/** After a refusal, which nobody tries again. A driver that was started before goes on; what is left is listed. */
async function leaveNothing(run: CloudRun, handle: JobHandle): Promise<void> {
  if ((await run.executions(handle)).length === 0) await removeAll(run, handle)
}

async function removeStopped(run: CloudRun, name: string): Promise<void> {
  await stop(run, await run.executions(name))
  const isStill = await waitFor(
    async () => ((await run.executions(name)).every(isOver) ? true : undefined),
    STOPPED_WITHIN_MS,
  )
  if (!isStill) throw new LaunchError('busy', `The job ${name} is being stopped, and is removed after that.`)
  await run.remove(name)
}

function isOver({ completionTime }: Execution): boolean {
  return Boolean(completionTime)
}

function isFailed({ conditions }: Execution): boolean {
  return conditions?.some(({ type, state }) => type === 'Completed' && state === 'CONDITION_FAILED') ?? false
}

function shortName({ name }: RunJob): string {
  return name?.split('/').at(-1) ?? ''
}

function isWorkers(name: string): boolean {
  return name.endsWith(workersOf(''))
}

function driverOf(name: string): string {
  return isWorkers(name) ? name.slice(0, -workersOf('').length) : name
}

/** A few at once, in order. */
async function inParts<T, R>(all: readonly T[], act: (each: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (let from = 0; from < all.length; from += AT_ONCE) {
    done.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map(act))))
  }
  return done
}
