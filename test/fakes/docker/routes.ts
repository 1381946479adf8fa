import { setTimeout as sleep } from 'node:timers/promises'
import { Container, type ContainerRequest, type StartProcess } from './container.ts'

/** What an engine answers: JSON, bytes, or nothing. */
export interface DockerAnswer {
  readonly status: number
  readonly body?: object | Buffer | string
}

/** An engine's world. */
export interface FakeEngine {
  readonly containers: Map<string, Container>
  /** Ids by name; a name is taken before its container is seen. */
  readonly names: Map<string, string>
  readonly volumes: Map<string, object>
  /** By name: those that are there, and those that a registry has. */
  readonly images: Set<string>
  readonly registry: Map<string, PullStory>
  readonly start: StartProcess
}

/** What a pull tells: lines of news; then the image is there, unless one of them is an error. */
export interface PullStory {
  readonly news: readonly object[]
  /** Resolves when the pull may go on to its end. */
  readonly until?: Promise<unknown>
}

export interface DockerAsk {
  readonly method: string
  readonly url: URL
  readonly body: string
  readonly login: string | undefined
  /** Sends a piece of an answer at once. */
  readonly send: (piece: string) => void
}

const CPUS = 64
const LEAST_MEMORY = 6 * 2 ** 20
/** From when a name is taken until its container is seen. */
const MAKING_TAKES = 20
const NETWORKS = new Set(['default', 'bridge', 'host', 'none'])

/**
 * The engine's HTTP API, as far as jobs need it: https://docs.docker.com/reference/api/engine/version/v1.41/
 * What it says when something is wrong are the words of Docker 20.10.24.
 */
export async function answer(engine: FakeEngine, ask: DockerAsk): Promise<DockerAnswer> {
  const { method, url } = ask
  const [kind = '', name = '', verb = ''] = url.pathname
    .replace(/^\/v1\.\d+/, '')
    .split('/')
    .slice(1)
    .map(decodeURIComponent)
  switch (`${method} ${kind} ${verb || (name === 'json' || name === 'create' ? name : '')}`.trim()) {
    case 'GET info':
      return json({ ID: 'FAKE:ENGI:NE', Name: 'fake-host', ServerVersion: '20.10.24' })
    case 'POST containers create':
      return create(engine, url.searchParams.get('name') ?? '', ask.body)
    case 'GET containers json':
      return name === 'json' ? list(engine, url) : known(engine, name, ({ inspected }) => json(inspected))
    case 'POST containers start':
      return known(engine, name, (container) => start(engine, container))
    case 'POST containers stop':
      return known(engine, name, async (container) => {
        if (!container.state.Running) return { status: 304 }
        await container.stop()
        return { status: 204 }
      })
    case 'DELETE containers':
      return known(engine, name, (container) => remove(engine, container, url.searchParams.get('force') === 'true'))
    case 'GET containers logs': {
      const tail = Number(url.searchParams.get('tail') ?? Number.MAX_SAFE_INTEGER)
      return known(engine, name, ({ log }) => ({ status: 200, body: log.frames(tail) }))
    }
    case 'POST images create':
      return await pull(engine, ask)
    case 'POST volumes create': {
      const { Name, Labels } = JSON.parse(ask.body) as { Name: string; Labels: object }
      if (!engine.volumes.has(Name)) engine.volumes.set(Name, { Name, Labels, Driver: 'local' })
      return json(engine.volumes.get(Name) ?? {}, 201)
    }
    case 'GET volumes':
      return engine.volumes.has(name) ? json(engine.volumes.get(name) ?? {}) : noVolume(name)
    case 'DELETE volumes':
      return engine.volumes.delete(name) ? { status: 204 } : noVolume(name)
    default:
      return wrong(404, 'page not found')
  }
}

async function create({ containers, names, images }: FakeEngine, name: string, body: string): Promise<DockerAnswer> {
  const request = JSON.parse(body) as ContainerRequest
  const { NanoCpus = 0, Memory = 0 } = request.HostConfig ?? {}
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    return wrong(400, `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
  }
  if (NanoCpus > CPUS * 1e9) {
    return wrong(400, `Range of CPUs is from 0.01 to ${CPUS}.00, as there are only ${CPUS} CPUs available`)
  }
  if (Memory > 0 && Memory < LEAST_MEMORY) return wrong(400, 'Minimum memory limit allowed is 6MB')
  if (!images.has(request.Image)) return wrong(404, `No such image: ${request.Image}`)
  const taken = names.get(name)
  if (taken !== undefined) {
    return wrong(
      409,
      `Conflict. The container name "/${name}" is already in use by container "${taken}". You have to remove (or rename) that container to be able to reuse that name.`,
    )
  }
  const made = new Container(name, request)
  names.set(name, made.id)
  await sleep(MAKING_TAKES)
  containers.set(made.id, made)
  return json({ Id: made.id, Warnings: [] }, 201)
}

function start({ start: startProcess }: FakeEngine, container: Container): DockerAnswer {
  const { DeviceRequests = [], NetworkMode = 'default' } = container.request.HostConfig ?? {}
  if (container.state.Running) return { status: 304 }
  if (!NETWORKS.has(NetworkMode)) {
    container.fail(`network ${NetworkMode} not found`, 128)
    return wrong(404, container.state.Error)
  }
  if (DeviceRequests.some(({ Count }) => Count > 8)) {
    container.fail('could not select device driver "" with capabilities: [[gpu]]', 128)
    return wrong(500, container.state.Error)
  }
  container.start(startProcess)
  return { status: 204 }
}

async function remove({ containers, names }: FakeEngine, container: Container, force: boolean): Promise<DockerAnswer> {
  const { id, state } = container
  if (state.Running && !force) {
    return wrong(
      409,
      `You cannot remove a running container ${id}. Stop the container before attempting removal or force remove`,
    )
  }
  await container.kill()
  names.delete(container.name)
  return containers.delete(id) ? { status: 204 } : wrong(404, `No such container: ${id}`)
}

function list({ containers }: FakeEngine, url: URL): DockerAnswer {
  const { label = [] } = JSON.parse(url.searchParams.get('filters') ?? '{}') as { label?: string[] }
  const isAsked = ({ state, request }: Container): boolean =>
    (state.Running || url.searchParams.get('all') === 'true') &&
    label.every((each) => {
      const [key = '', value] = each.split('=')
      return value === undefined ? request.Labels?.[key] !== undefined : request.Labels?.[key] === value
    })
  return json(
    [...containers.values()]
      .filter(isAsked)
      .reverse()
      .map(({ listed }) => listed),
  )
}

async function pull({ images, registry }: FakeEngine, { url, send }: DockerAsk): Promise<DockerAnswer> {
  const repository = url.searchParams.get('fromImage') ?? ''
  const tag = url.searchParams.get('tag') ?? 'latest'
  const image = `${repository}${tag.startsWith('sha256:') ? '@' : ':'}${tag}`
  const story = registry.get(image)
  if (!story) return wrong(404, `manifest for ${image} not found: manifest unknown: manifest unknown`)
  for (const each of story.news) send(`${JSON.stringify(each)}\r\n`)
  await story.until
  if (!story.news.some((each) => 'error' in each)) images.add(image)
  return { status: 200 }
}

function find(containers: FakeEngine['containers'], name: string): Container | undefined {
  return containers.get(name) ?? [...containers.values()].find((each) => each.name === name)
}

async function known(
  { containers }: FakeEngine,
  name: string,
  action: (container: Container) => DockerAnswer | Promise<DockerAnswer>,
): Promise<DockerAnswer> {
  const container = find(containers, name)
  return container ? await action(container) : wrong(404, `No such container: ${name}`)
}

function json(body: object, status = 200): DockerAnswer {
  return { status, body }
}

function wrong(status: number, message: string): DockerAnswer {
  return { status, body: { message } }
}

function noVolume(name: string): DockerAnswer {
  return wrong(404, `get ${name}: no such volume`)
}
