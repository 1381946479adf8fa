import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import { type Job, type JobHandle, type JobSpec, type JobStatus, LaunchError, type Launcher } from '../launcher.ts'
import {
  type ContainerOptions,
  type ContainerSettings,
  containersOf,
  labelsOf,
  readLabels,
} from './docker/containers-of.ts'
import { openEngine } from './docker/engine.ts'
import { forEachOf } from './docker/for-each-of.ts'
import { linesOf, readLogEntries } from './docker/log-entries.ts'
import { imagePuller, type PullOptions } from './docker/pull-image.ts'
import { isNew, readCancelled, readStatus } from './docker/read-status.ts'
import { stopper } from './docker/stopper.ts'

export interface DockerLauncherOptions extends ContainerOptions {
  /** Which engine, as dockerode takes it. @default that of DOCKER_HOST, or of this machine */
  readonly docker?: Docker.DockerOptions
  /** Jobs of other stacks are not seen. */
  readonly stack: string
  readonly pull?: PullOptions
}

/** Requests for one job at the same time. */
const AT_ONCE = 8
const LINES = 20
const LOOKS = 40
const LOOK_AGAIN_AFTER = 50

/**
 * Launches on a Docker engine: the driver is a container NAME, its workers are NAME-worker-1 and so on. Containers have no
 * rights, a disk that is read-only, and `/tmp` in memory, which counts as theirs. A machine type, spot and an account mean
 * nothing here, and a deadline is for the sweeper to keep. Whoever may use the engine can read what containers are told.
 * @throws UserError when no engine answers: its id is part of the place
 */
export async function dockerLauncher({ docker, stack, pull, ...options }: DockerLauncherOptions): Promise<Launcher> {
  const engine = await openEngine(docker)
  const puller = imagePuller(engine, pull)
  const stop = stopper(engine)

  return {
    kind: 'docker',
    place: `docker ${engine.id}`,
    launch,
    status,
    cancel,
    remove,
    list,
    tail,
    close: async () => puller.close(),
  }

  async function launch(spec: JobSpec): Promise<JobHandle> {
    const [driver, ...workers] = containersOf(spec, options)
    // The driver's container is made first, and started last. So a job that is half made is listed, a driver never runs
    // without its workers, and a job whose driver ever ran is whole.
    const brought = await bring(driver, spec)
    if (brought === 'begun') return spec.name
    try {
      if (brought === 'made' || !(await isCancelled(spec.name))) {
        await forEachOf(workers, AT_ONCE, async (worker) => {
          if ((await bring(worker, spec)) !== 'begun') await engine.start(worker.name)
        })
        await engine.start(driver.name)
      }
      // Whoever cancels leaves word first, and then looks what runs. So it is seen here, or saw what runs.
      if (await isCancelled(spec.name)) await cancel(spec.name)
    } catch (error) {
      // When it may work later, what is there is found by the next call.
      if (!(error instanceof LaunchError && error.kind === 'busy')) await remove(spec.name).catch(() => {})
      throw error
    }
    return spec.name
  }

  /** Makes a container, or finds it. `begun`: it runs, or ran, and is not started again, whatever became of it. */
  async function bring(container: ContainerSettings, spec: JobSpec): Promise<'made' | 'found' | 'begun'> {
    const { name } = container
    for (let looks = 0; looks < LOOKS; looks++) {
      if ((await make(container)) === 'made') return 'made'
      const found = await engine.inspect(name)
      if (found && isOfJob(found, spec)) return isNew(found.State) ? 'found' : 'begun'
      if (found) {
        const fix = 'rename it, or remove it'
        throw new LaunchError('refused', `docker: there is a container ${name} that is not of this job; ${fix}`)
      }
      // Its name is taken before it can be seen, while somebody else makes it; or it was removed just now.
      await sleep(LOOK_AGAIN_AFTER)
    }
    throw new LaunchError('busy', `docker: somebody else is making container ${name}`)
  }

  async function make(container: ContainerSettings): Promise<'made' | 'name is taken'> {
    const { image } = container
    const made = await engine.create(container)
    if (made !== 'no image') return made
    // What was built in this engine, it may know by its id alone, which says as much of what is in it as a digest does.
    const known = await engine.create(byId(container))
    if (known !== 'no image') return known
    await puller.pull(image)
    const now = await engine.create(container)
    if (now !== 'no image') return now
    throw new LaunchError('busy', `docker: image ${image} was pulled, and is gone again`)
  }

  async function status(handle: JobHandle): Promise<JobStatus> {
    const driver = await findDriver(handle)
    if (!driver) return { state: 'gone' }
    const now = readStatus(driver.State, readLabels(driver.Config.Labels)?.deadline)
    const isOpen = now.state === 'waiting' || now.state === 'failed'
    return isOpen && (await isCancelled(handle)) ? readCancelled(now) : now
  }

  async function cancel(handle: JobHandle): Promise<void> {
    const driver = await findDriver(handle)
    if (driver && (isNew(driver.State) || driver.State.Running))
      await engine.putNote(noteOf(handle), driver.Config.Labels)
    const containers = await engine.list(labelsOf(stack, handle))
    await forEachOf(
      containers.filter(({ State: state }) => state === 'running' || state === 'paused'),
      AT_ONCE,
      ({ Id: id }) => stop(id),
    )
  }

  /** The engine does not say of a container that it was stopped, or that it must not start. */
  function isCancelled(handle: JobHandle): Promise<boolean> {
    return engine.hasNote(noteOf(handle))
  }

  async function remove(handle: JobHandle): Promise<void> {
    const containers = await engine.list(labelsOf(stack, handle))
    const kill = ({ Id: id }: Docker.ContainerInfo): Promise<void> => engine.remove(id)
    // The driver goes last: whoever is killed in between, the rest is listed.
    await forEachOf(
      containers.filter((each) => !isDriver(each)),
      AT_ONCE,
      kill,
    )
    if (containers.some(isDriver)) await engine.dropNote(noteOf(handle))
    await forEachOf(containers.filter(isDriver), AT_ONCE, kill)
  }

  async function list(): Promise<Job[]> {
    const jobs: Job[] = []
    const containers = Map.groupBy(await engine.list(labelsOf(stack)), ({ Labels: labels }) => readLabels(labels)?.name)
    await forEachOf([...containers], AT_ONCE, async ([name, ofJob]) => {
      const job = name === undefined ? undefined : await jobOf(name, ofJob)
      if (job) jobs.push(job)
    })
    return jobs.sort((a, b) => a.created - b.created)
  }

  /** Workers whose driver somebody removed are a job that is gone, and not cleaned up. */
  async function jobOf(handle: JobHandle, containers: readonly Docker.ContainerInfo[]): Promise<Job | undefined> {
    const driver = containers.find(isDriver)
    const [first] = driver ? [driver] : containers
    const labels = first && readLabels(first.Labels)
    if (!first || !labels) return undefined
    const { run, launch, deadline } = labels
    const now: JobStatus = driver?.State === 'running' ? { state: 'running' } : await status(handle)
    // Removed since it was listed.
    if (driver && now.state === 'gone') return undefined
    const created = first.Created * 1000
    return { handle, run, launch, created, ...(deadline !== undefined && { deadline }), status: now }
  }

  async function tail(handle: JobHandle, lines = LINES): Promise<string[]> {
    const driver = await findDriver(handle)
    if (!driver || lines < 1) return []
    // A line can be several entries, and the first one that comes can be the rest of a line.
    for (let asked = lines + 1; ; asked *= 4) {
      const entries = readLogEntries(await engine.logs(driver.Id, asked))
      const found = linesOf(entries)
      if (found.length > lines || entries.length < asked) return found.slice(-lines)
    }
  }

  async function findDriver(handle: JobHandle): Promise<Docker.ContainerInspectInfo | undefined> {
    const found = await engine.inspect(handle)
    const labels = found && readLabels(found.Config.Labels)
    return labels?.role === 'driver' && labels.name === handle && labels.stack === stack ? found : undefined
  }
}

/** The same, its image called by the digest of its name alone. */
function byId({ image, body, ...rest }: ContainerSettings): ContainerSettings {
  const id = image.slice(image.indexOf('@') + 1)
  return { ...rest, image: id, body: { ...body, Image: id } }
}

/** What says that a job was cancelled. */
function noteOf(handle: JobHandle): string {
  return `${handle}-cancelled`
}

function isDriver({ Labels: labels }: Docker.ContainerInfo): boolean {
  return readLabels(labels)?.role === 'driver'
}

function isOfJob({ Config: { Labels: labels } }: Docker.ContainerInspectInfo, spec: JobSpec): boolean {
  const found = readLabels(labels)
  return found?.name === spec.name && found.run === spec.run && found.stack === spec.stack
}
