import { UserError } from '@millrace/sdk'
import Docker from 'dockerode'
import type { ContainerSettings } from './containers-of.ts'
import { engineError, hasStatus, isMissingImage } from './engine-error.ts'

/**
 * A Docker engine, as far as jobs need it. Each call is one of the engine's HTTP API, and what it finds done already is no
 * error. All throw LaunchError.
 */
export interface Engine {
  /** Its host's name and its own id, which it keeps. */
  readonly id: string
  create(settings: ContainerSettings): Promise<'made' | 'name is taken' | 'no image'>
  /** @param name or id */
  inspect(name: string): Promise<Docker.ContainerInspectInfo | undefined>
  start(name: string): Promise<void>
  /** Ends when the container has: SIGTERM, and SIGKILL after its grace. The engine goes on where nobody waits for it. */
  stop(id: string): Promise<void>
  /** Removes a container with its volumes, and kills it first where it runs. */
  remove(id: string): Promise<void>
  /** All containers that have these labels, running or not. */
  list(labels: readonly string[]): Promise<Docker.ContainerInfo[]>
  /** The last entries of its log, in frames (log-entries.ts). */
  logs(name: string, entries: number): Promise<Buffer>
  /** A note that others find, by its name: an empty volume. Put down once more it is the same. */
  putNote(name: string, labels: Readonly<Record<string, string>>): Promise<void>
  hasNote(name: string): Promise<boolean>
  dropNote(name: string): Promise<void>
  /** The engine's news of a pull, as lines of JSON, until it is over. Without a reader, the engine gives up. */
  pull(image: string, login: Docker.AuthConfig | undefined, signal: AbortSignal): Promise<NodeJS.ReadableStream>
}

/** Making a container can take long where a disk is busy. */
const ANSWERS_WITHIN_MS = 120_000

/**
 * @param options as dockerode takes them. @default the engine of DOCKER_HOST, or of this machine
 * @throws UserError when it does not answer
 */
export async function openEngine(options?: Docker.DockerOptions): Promise<Engine> {
  const docker = clientOf(options)
  const id = await idOf(docker)

  async function create({ name, body }: ContainerSettings): Promise<'made' | 'name is taken' | 'no image'> {
    // Said so, the body is not part of the URL, too, which others log.
    const request: Docker.ContainerCreateOptions & { _query: object; _body: object } = { _query: { name }, _body: body }
    try {
      await answer((abortSignal) => docker.createContainer({ ...request, abortSignal }))
      return 'made'
    } catch (error) {
      if (hasStatus(error, 409)) return 'name is taken'
      if (isMissingImage(error)) return 'no image'
      throw engineError(`container ${name} cannot be made`, error)
    }
  }

  async function inspect(name: string): Promise<Docker.ContainerInspectInfo | undefined> {
    try {
      return await answer((abortSignal) => docker.getContainer(name).inspect({ abortSignal }))
    } catch (error) {
      if (hasStatus(error, 404)) return undefined
      throw engineError(`container ${name} cannot be looked at`, error)
    }
  }

  async function start(name: string): Promise<void> {
    try {
      await answer((abortSignal) => docker.getContainer(name).start({ abortSignal }))
    } catch (error) {
      if (!hasStatus(error, 304)) throw engineError(`container ${name} cannot be started`, error)
    }
  }

  async function stop(id: string): Promise<void> {
    try {
      await docker.getContainer(id).stop()
    } catch (error) {
      if (!hasStatus(error, 304, 404)) throw engineError(`container ${id} cannot be stopped`, error)
    }
  }

  async function remove(id: string): Promise<void> {
    try {
      await answer((abortSignal) => docker.getContainer(id).remove({ force: true, v: true, abortSignal }))
    } catch (error) {
      // A conflict: it is being removed already.
      if (!hasStatus(error, 404, 409)) throw engineError(`container ${id} cannot be removed`, error)
    }
  }

  async function list(labels: readonly string[]): Promise<Docker.ContainerInfo[]> {
    const filters = { label: [...labels] }
    try {
      return await answer((abortSignal) => docker.listContainers({ all: true, filters, abortSignal }))
    } catch (error) {
      throw engineError('containers cannot be listed', error)
    }
  }

  async function logs(name: string, entries: number): Promise<Buffer> {
    const asked = { stdout: true, stderr: true, follow: false, tail: entries } as const
    try {
      return await answer((abortSignal) => docker.getContainer(name).logs({ ...asked, abortSignal }))
    } catch (error) {
      if (hasStatus(error, 404)) return Buffer.alloc(0)
      throw engineError(`the log of container ${name} cannot be read`, error)
    }
  }

  async function putNote(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    try {
      await answer((abortSignal) => docker.createVolume({ Name: name, Labels: { ...labels }, abortSignal }))
    } catch (error) {
      throw engineError(`volume ${name} cannot be made`, error)
    }
  }

  async function hasNote(name: string): Promise<boolean> {
    try {
      await answer((abortSignal) => docker.getVolume(name).inspect({ abortSignal }))
      return true
    } catch (error) {
      if (hasStatus(error, 404)) return false
      throw engineError(`volume ${name} cannot be looked at`, error)
    }
  }

  async function dropNote(name: string): Promise<void> {
    try {
      await answer((abortSignal) => docker.getVolume(name).remove({ abortSignal }))
    } catch (error) {
      if (!hasStatus(error, 404)) throw engineError(`volume ${name} cannot be removed`, error)
    }
  }

  async function pull(
    image: string,
    login: Docker.AuthConfig | undefined,
    signal: AbortSignal,
  ): Promise<NodeJS.ReadableStream> {
    return await docker.pull(image, { abortSignal: signal, ...(login && { authconfig: login }) })
  }

  return { id, create, inspect, start, stop, remove, list, logs, putNote, hasNote, dropNote, pull }
}

/** @throws UserError when DOCKER_HOST and its likes make no sense */
function clientOf(options: Docker.DockerOptions | undefined): Docker {
  try {
    return new Docker(options)
  } catch (error) {
    throw new UserError(
      `docker: ${(error as Error).message}`,
      'See DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.',
    )
  }
}

async function idOf(docker: Docker): Promise<string> {
  try {
    const { ID: id, Name: name } = await answer(() => docker.info())
    return `${name} ${id}`
  } catch (error) {
    throw new UserError(engineError('the launcher cannot begin', error).message)
  }
}

/**
 * Makes a call, and waits only so long for its answer.
 * A connection that breaks within an answer is not seen by dockerode: its promise would wait for ever.
 */
async function answer<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS)
  const late = Promise.withResolvers<never>()
  const onLate = (): void => late.reject(signal.reason)
  signal.addEventListener('abort', onLate)
  try {
    return await Promise.race([call(signal), late.promise])
  } finally {
    signal.removeEventListener('abort', onLate)
  }
}
