import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { UserError } from '@millrace/sdk'
import { type Job, type JobHandle, type JobSpec, type JobStatus, LaunchError, type Launcher } from '../launcher.ts'
import { asking } from './process/failures.ts'
import { DRIVER, isCode, JobFolder, type JobRecord, REMOVED, rolesOf } from './process/job-folder.ts'
import { thisPlace } from './process/place.ts'
import { environmentOf, start } from './process/start.ts'
import { statusOf } from './process/status.ts'
import { bringSupervisor } from './process/supervise.ts'
import { type Supervisor, tellToGo } from './process/supervisor.ts'

export interface ProcessLauncherOptions {
  /** Of the project: folder in which programs are started, and look for flows. */
  readonly root: string
  /** Where the folders of jobs are. Of this machine, for nobody else: `.millrace/jobs`. */
  readonly folder: string
  readonly stack: string
  /** The Node that programs run on. @default that of this process */
  readonly node?: string
  /** Arguments to Node. @default images/flow/main.ts and images/worker/main.ts of the project */
  readonly programs?: { readonly driver: readonly string[]; readonly worker: readonly string[] }
  /** Milliseconds between SIGTERM and SIGKILL. @default 30,000 */
  readonly grace?: number
}

/** A name that is a folder's, and no way out of it. */
const NAME = /^[a-z][a-z0-9-]{0,62}$/

/**
 * Launches on this machine: driver and workers are processes that outlive the agent. A job is a folder
 * (process/job-folder.ts), its handle the folder's name; all that is known of it is there, so any launcher of the same folder
 * goes on with it, and what was half made when an agent died is finished by the next `launch`.
 *
 * There are no machines to choose here: cpu, memory, GPU, machine type, spot, account and image mean nothing. Nothing stops
 * a job at its deadline but who looks after it (the sweeper). That memory ran out is seen only as SIGKILL.
 * @throws UserError on Windows
 */
export function processLauncher({
  root,
  folder: given,
  stack,
  node,
  programs,
  grace = 30_000,
}: ProcessLauncherOptions): Launcher {
  if (process.platform === 'win32') {
    throw new UserError('the process launcher needs Linux or macOS', 'Use --launcher docker, or WSL.')
  }
  const folder = resolve(given)
  const { driver, worker } = programs ?? {
    driver: [join(root, 'images/flow/main.ts')],
    worker: [join(root, 'images/worker/main.ts')],
  }

  async function launch(spec: JobSpec): Promise<JobHandle> {
    if (!NAME.test(spec.name)) throw new LaunchError('refused', `job ${spec.name}: that is no name for a folder`)
    const job = new JobFolder(folder, spec.name)
    const made = await job.make(recordOf(spec))
    // What was stopped, is over, or was started before the machine was, stays as it is.
    if (made.place !== thisPlace() || (await job.has('stopped')) || (await job.exitCode(DRIVER)) !== undefined) {
      return spec.name
    }
    const script = await bringSupervisor(folder)
    const environment = environmentOf(process.env, spec.environment)
    const missing = []
    for (const role of rolesOf(made)) if ((await job.pid(role)) === undefined) missing.push(role)
    await Promise.all(
      missing.map((role) =>
        start({
          script,
          job: job.path,
          role,
          grace,
          command: [node ?? process.execPath, ...(role === DRIVER ? driver : worker)],
          cwd: root,
          environment,
        }),
      ),
    )
    return spec.name
  }

  async function status(handle: JobHandle): Promise<JobStatus> {
    const [job, made] = await find(handle)
    if (!made) return { state: 'gone' }
    await job.boundOutput(rolesOf(made))
    return await statusOf(job, made)
  }

  async function cancel(handle: JobHandle): Promise<void> {
    const [job, made] = await find(handle)
    if (!made) return
    await job.stop()
    await Promise.all((await supervisorsOf(job, made)).map(tellToGo))
  }

  async function remove(handle: JobHandle): Promise<void> {
    // What was told to go has its time still: its supervisor sees to that, and needs no folder.
    await cancel(handle)
    if (NAME.test(handle)) await new JobFolder(folder, handle).remove()
  }

  async function list(): Promise<Job[]> {
    const names = await readdir(folder).catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return []
      throw error
    })
    const jobs: Job[] = []
    for (const name of names) {
      // Left by somebody who ended while he removed it.
      if (name.startsWith(REMOVED)) await rm(join(folder, name), { recursive: true, force: true })
      const found = await listed(name)
      if (found) jobs.push(found)
    }
    return jobs
  }

  async function listed(name: string): Promise<Job | undefined> {
    const [job, made] = await find(name)
    if (made?.stack !== stack) return undefined
    const { run, launch, created, deadline } = made
    const now = await statusOf(job, made)
    return { handle: name, run, launch, created, ...(deadline !== undefined && { deadline }), status: now }
  }

  async function tail(handle: JobHandle, lines = 20): Promise<string[]> {
    const [job, made] = await find(handle)
    return made ? await job.lastLines(DRIVER, lines) : []
  }

  async function find(handle: JobHandle): Promise<[JobFolder, JobRecord | undefined]> {
    const job = new JobFolder(folder, handle)
    return [job, NAME.test(handle) ? await job.read() : undefined]
  }

  return {
    kind: 'process',
    place: `process ${hostname()} ${folder}`,
    launch: (spec) => asking(folder, () => launch(spec)),
    status: (handle) => asking(folder, () => status(handle)),
    cancel: (handle) => asking(folder, () => cancel(handle)),
    remove: (handle) => asking(folder, () => remove(handle)),
    list: () => asking(folder, list),
    tail: (handle, lines) => asking(folder, () => tail(handle, lines)),
    close: async () => {},
  }
}

function recordOf({ run, launch, flow, stack, workers, deadline }: JobSpec): JobRecord {
  const facts = { run, launch, flow, stack, workers: workers.count, created: Date.now(), place: thisPlace() }
  return { ...facts, ...(deadline !== undefined && { deadline }) }
}

/** Those of its processes that were started, as far as they can be seen from here. */
async function supervisorsOf(job: JobFolder, made: JobRecord): Promise<Supervisor[]> {
  if (made.place !== thisPlace()) return []
  const found = await Promise.all(rolesOf(made).map(async (role) => ({ role, pid: await job.pid(role) })))
  return found.flatMap(({ role, pid }) => (pid === undefined ? [] : [{ pid, role, job: job.path }]))
}
