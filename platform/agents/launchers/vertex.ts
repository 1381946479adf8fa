import type { Job, JobHandle, JobSpec, JobStatus, Launcher } from '../launcher.ts'
import { LaunchError, readJobLabels } from '../launcher.ts'
import { quoted } from './google/driver-log.ts'
import { openedApi } from './google/opened-api.ts'
import { isRefusal, launchError } from './google/refusal.ts'
import type { Transport } from './google/transport.ts'
import { waitFor } from './google/wait.ts'
import { type CustomJob, createdAt, isOver, openVertex, type Vertex } from './vertex/api.ts'
import { customJob } from './vertex/custom-job.ts'
import { customJobStatus } from './vertex/job-status.ts'

export interface VertexLauncherOptions {
  readonly project: string
  readonly region: string
  readonly stack: string
  /** The peered network that jobs reach the database by, with the project's number: `projects/123456789012/global/networks/NAME`. */
  readonly network?: string
  /** Stands for Google Cloud, and is asked without credentials. @default MILLRACE_GOOGLE_ENDPOINT */
  readonly endpoint?: string
}

/** How long (ms) a job that is to be removed may take to stop. */
const STOPPED_WITHIN_MS = 60_000
/** How long (ms) a list of jobs may lag behind what was made. */
const LISTED_AFTER_MS = 5000

/**
 * Launches runs as custom jobs of Vertex AI: the driver is a job's first worker pool, the run's workers are the second. Vertex AI
 * gives jobs names of its own, which are the handles here, so that a job is found by its display name: launch() looks
 * before it makes one. Where two were made all the same, the older counts, and the next launch() that sees them stops the other.
 */
export function vertexLauncher({ project, region, stack, network, ...options }: VertexLauncherOptions): Launcher {
  const { endpoint = process.env.MILLRACE_GOOGLE_ENDPOINT } = options
  const open = (transport: Transport): Promise<Vertex> => openVertex(project, region, transport)
  const { tried, tail: tailOf, close } = openedApi({ name: 'Vertex AI', project, endpoint, open })

  async function launch(spec: JobSpec): Promise<JobHandle> {
    const wanted = customJob(spec, { network, now: Date.now() })
    return await tried(`create the job ${spec.name}`, async (vertex) => {
      const named = await vertex.jobs(`display_name=${quoted(spec.name)}`)
      const [oldest, ...others] = named.filter(({ labels }) => readJobLabels(labels ?? {})?.stack === stack)
      if (!oldest) return nameOf(await create(vertex, wanted))
      for (const other of others) if (!isOver(other)) await vertex.cancel(nameOf(other))
      return nameOf(oldest)
    })
  }

  async function create(vertex: Vertex, job: CustomJob): Promise<CustomJob> {
    try {
      return await vertex.create(job)
    } catch (error) {
      const known = launchError(`create the job ${job.displayName} on Vertex AI`, error)
      const mayBeMade = known instanceof LaunchError && known.kind === 'busy' && !isRefusal(error, 'RESOURCE_EXHAUSTED')
      if (!mayBeMade) throw known
      // The next launch() is to see it, if it was.
      const { message, after = 0 } = known
      throw new LaunchError('busy', message, { cause: error, after: Math.max(after, LISTED_AFTER_MS) })
    }
  }

  async function status(handle: JobHandle): Promise<JobStatus> {
    return await tried(`look at the job ${handle}`, async (vertex) => {
      const job = await vertex.job(handle)
      return job ? customJobStatus(job) : { state: 'gone' }
    })
  }

  async function cancel(handle: JobHandle): Promise<void> {
    await tried(`cancel the job ${handle}`, async (vertex) => {
      const job = await vertex.job(handle)
      if (job && !isOver(job)) await vertex.cancel(handle)
    })
  }

  async function remove(handle: JobHandle): Promise<void> {
    await tried(`remove the job ${handle}`, async (vertex) => {
      const job = await vertex.job(handle)
      if (!job) return
      if (!isOver(job)) {
        await vertex.cancel(handle)
        const isStopped = await waitFor(
          async () => isOver((await vertex.job(handle)) ?? GONE) || undefined,
          STOPPED_WITHIN_MS,
        )
        if (!isStopped) throw new LaunchError('busy', `The job ${handle} is being stopped, and is removed after that.`)
      }
      await vertex.remove(handle)
    })
  }

  async function list(): Promise<Job[]> {
    return await tried('list jobs', async (vertex) =>
      (await vertex.jobs('display_name:"millrace-*"')).flatMap((job) => {
        const read = readJobLabels(job.labels ?? {})
        if (read?.stack !== stack) return []
        const { run, launch, deadline } = read
        return {
          handle: nameOf(job),
          run,
          launch,
          created: createdAt(job),
          ...(deadline !== undefined && { deadline }),
          status: customJobStatus(job),
        }
      }),
    )
  }

  async function tail(handle: JobHandle, lines = 20): Promise<string[]> {
    const filter = [
      'resource.type="ml_job"',
      `resource.labels.job_id=${quoted(handle.split('/').at(-1) ?? '')}`,
      'resource.labels.task_name="workerpool0-0"',
    ].join(' AND ')
    return await tried(`read the log of the job ${handle}`, async (vertex) =>
      // The log outlives the job.
      (await vertex.job(handle)) ? await tailOf(filter, lines) : [],
    )
  }

  return { kind: 'vertex', place: `vertex ${project} ${region}`, launch, status, cancel, remove, list, tail, close }
}

/** What is not there any more has stopped. */
const GONE: CustomJob = { state: 'JOB_STATE_CANCELLED' }

function nameOf({ name }: CustomJob): JobHandle {
  return name ?? ''
}
