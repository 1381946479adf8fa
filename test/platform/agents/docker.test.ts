import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobSpec, Launcher } from '../../../platform/agents/launcher.ts'
import { type DockerLauncherOptions, dockerLauncher } from '../../../platform/agents/launchers/docker.ts'
import type { Container } from '../../fakes/docker/container.ts'
import { fakeDocker, type ServedEngine } from '../../fakes/docker/engine.ts'
import { until } from '../../until.ts'
import { startProgram } from './programs.ts'

const IMAGE = `registry.example/millrace/flow-hello@sha256:${'b2'.repeat(32)}`
const LAYERS = [
  { status: 'Pulling from millrace/flow-hello', id: `sha256:${'b2'.repeat(32)}` },
  { status: 'Already exists', progressDetail: {}, id: '1f3e46996e29' },
  { status: 'Pulling fs layer', progressDetail: {}, id: '8d4a1f4d2c11' },
  { status: 'Downloading', progressDetail: { current: 1, total: 9 }, progress: '[=>  ]', id: '8d4a1f4d2c11' },
]
const SPEC: JobSpec = {
  name: 'millrace-abc123-1',
  run: 'abc123',
  launch: 1,
  flow: 'hello',
  stack: 'dev',
  image: IMAGE,
  environment: { TEST_DOES: 'waits', MILLRACE_RUN: 'abc123' },
  driver: {},
  workers: { count: 1 },
}

let engine: ServedEngine
const launchers: Launcher[] = []
beforeEach(async () => {
  engine = await fakeDocker(({ request }, environment) =>
    startProgram(request.Entrypoint?.[1]?.includes('/worker/') ? 'worker' : 'driver', environment),
  )
})
afterEach(async () => {
  for (const launcher of launchers.splice(0)) await launcher.close()
  await engine.close()
})

async function open(options: Partial<DockerLauncherOptions> = {}): Promise<Launcher> {
  const login = async (): Promise<undefined> => undefined
  const docker = { socketPath: engine.socketPath }
  const launcher = await dockerLauncher({ docker, stack: 'dev', grace: 3000, pull: { login }, ...options })
  launchers.push(launcher)
  return launcher
}

function container(name: string): Container | undefined {
  return [...engine.containers.values()].find((each) => each.name === name)
}

describe('containers', () => {
  beforeEach(() => void engine.images.add(IMAGE))

  it('have no rights, no disk to write to, and nothing that starts them again', async () => {
    const options = { network: 'host', extraHosts: ['host.docker.internal:host-gateway'], binds: ['/data:/data:ro'] }
    await (await open(options)).launch({ ...SPEC, driver: { cpu: 0.5, memory: 2 ** 30, gpu: 1 } })
    const { request } = container(SPEC.name) ?? {}
    expect(request).toMatchObject({
      Image: IMAGE,
      Entrypoint: ['/app/bin/node', '/app/images/flow/main.ts'],
      StopTimeout: 3,
      HostConfig: {
        AutoRemove: false,
        RestartPolicy: { Name: 'no' },
        Init: true,
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': '' },
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        LogConfig: { Config: { 'max-size': '10m', 'max-file': '3' } },
        NanoCpus: 500_000_000,
        Memory: 2 ** 30,
        MemorySwap: 2 ** 30,
        DeviceRequests: [{ Count: 1, Capabilities: [['gpu']] }],
        NetworkMode: 'host',
        ExtraHosts: options.extraHosts,
        Binds: options.binds,
      },
    })
    expect(request).not.toHaveProperty('User')
    expect(container(`${SPEC.name}-worker-1`)?.request).toMatchObject({
      Entrypoint: ['/app/bin/node', '/app/images/worker/main.ts'],
      HostConfig: { NetworkMode: 'host', Binds: options.binds },
    })
  })

  it('take no more than the launcher allows where a job does not say', async () => {
    await (await open({ limits: { cpu: 2, memory: 2 ** 31, pids: 100 } })).launch(SPEC)
    const limits = { NanoCpus: 2e9, Memory: 2 ** 31, MemorySwap: 2 ** 31, PidsLimit: 100 }
    expect(container(SPEC.name)?.request.HostConfig).toMatchObject(limits)
  })

  it('are told their environment in a body, not in an address that others log', async () => {
    await (await open()).launch({ ...SPEC, environment: { MILLRACE_DATABASE: 'postgres://u:password-of-db@h/d' } })
    expect(engine.urls.filter((url) => url.includes('/containers/create'))).toEqual([
      `/containers/create?name=${SPEC.name}`,
      `/containers/create?name=${SPEC.name}-worker-1`,
    ])
  })

  it('of somebody else are left alone, whatever their names', async () => {
    const launcher = await open()
    await (await open({ stack: 'prod' })).launch({ ...SPEC, stack: 'prod' })
    await expect(launcher.launch(SPEC)).rejects.toMatchObject({
      kind: 'refused',
      message: `docker: there is a container ${SPEC.name} that is not of this job; rename it, or remove it`,
    })
    expect(await launcher.status(SPEC.name)).toEqual({ state: 'gone' })
    await launcher.cancel(SPEC.name)
    await launcher.remove(SPEC.name)
    expect(await launcher.tail(SPEC.name)).toEqual([])
    expect(container(SPEC.name)?.state.Status).toBe('running')
  })

  it('do not start one by one: where a worker is refused, nothing is left', async () => {
    const launcher = await open()
    const spec = { ...SPEC, workers: { count: 3, cpu: 1000 } }
    await expect(launcher.launch(spec)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/^docker: container .*-worker-\d cannot be made: Range of CPUs is from 0\.01 to/),
    })
    expect(engine.containers.size).toBe(0)
  })

  it.each([
    ['a network that there is not', { network: 'nowhere' }, {}, 'network nowhere not found'],
    ['more GPUs than there are', {}, { gpu: 99 }, 'could not select device driver'],
  ])('are refused for good for %s', async (_, options, driver, words) => {
    const launched = (await open(options)).launch({ ...SPEC, driver })
    await expect(launched).rejects.toMatchObject({ kind: 'refused', message: expect.stringContaining(words) })
    expect(engine.containers.size).toBe(0)
  })

  it('need an image', async () => {
    const { image: _, ...spec } = SPEC
    await expect((await open()).launch(spec)).rejects.toThrow(
      `docker: job ${SPEC.name} has no image, and containers need one; give its deployment one`,
    )
  })

  it('are cleaned up by whoever looks, where somebody removed the driver alone', async () => {
    const launcher = await open()
    await launcher.launch(SPEC)
    const driver = container(SPEC.name)
    await driver?.kill()
    engine.containers.delete(driver?.id ?? '')
    expect(await launcher.list()).toMatchObject([{ handle: SPEC.name, run: 'abc123', status: { state: 'gone' } }])
    await launcher.remove(SPEC.name)
    expect(engine.containers.size).toBe(0)
  })

  it('that were cancelled are so for every agent, and a job that was not started never is', async () => {
    const launcher = await open()
    await launcher.launch(SPEC)
    // As a launch that was cut off leaves it.
    const driver = container(SPEC.name)
    await driver?.kill()
    Object.assign(driver?.state ?? {}, { Status: 'created', ExitCode: 0 })
    expect(await launcher.status(SPEC.name)).toEqual({ state: 'waiting' })
    await launcher.cancel(SPEC.name)
    const anew = await open()
    await anew.launch(SPEC)
    expect(await anew.status(SPEC.name)).toMatchObject({ state: 'failed', reason: 'cancelled' })
    expect((await anew.list())[0]?.status).toMatchObject({ reason: 'cancelled' })
    expect(driver?.state.Running).toBe(false)
    await anew.remove(SPEC.name)
    expect([engine.containers.size, engine.volumes.size]).toEqual([0, 0])
  })

  it('whose driver was killed at its deadline say so', async () => {
    const launcher = await open()
    await launcher.launch({ ...SPEC, deadline: Date.now() - 1 })
    await container(SPEC.name)?.kill()
    expect(await launcher.status(SPEC.name)).toMatchObject({ state: 'failed', reason: 'deadline', exitCode: 137 })
  })
})

describe('an image that is not there', () => {
  it('is pulled once for all that wait, and then they start', async () => {
    const pulled = Promise.withResolvers<void>()
    engine.registry.set(IMAGE, { news: LAYERS, until: pulled.promise })
    const launcher = await open()
    const other = { ...SPEC, name: 'millrace-other-1', run: 'other' }
    const launched = Promise.all([launcher.launch(SPEC), launcher.launch(other)])
    await until(() => engine.urls.filter((url) => url.includes('/images/create')).length > 0)
    pulled.resolve()
    await launched
    expect(engine.urls.filter((url) => url.includes('/images/create'))).toHaveLength(1)
    expect((await launcher.list()).map(({ status }) => status.state)).toEqual(['running', 'running'])
  })

  it('does not hold up a launch for ever: it is busy, says how far it is, and goes on', async () => {
    const pulled = Promise.withResolvers<void>()
    engine.registry.set(IMAGE, { news: LAYERS, until: pulled.promise })
    const launcher = await open({ pull: { wait: 1, login: async () => undefined } })
    const message = `docker: image ${IMAGE} is still being pulled (1 of 2 layers)`
    const busy = () => launcher.launch(SPEC).catch((error: unknown) => error)
    await until(async () => ((await busy()) as Error).message === message)
    expect(await busy()).toMatchObject({ kind: 'busy', after: 1000 })
    pulled.resolve()
    await until(() => engine.images.has(IMAGE))
    expect(await launcher.launch(SPEC)).toBe(SPEC.name)
  })

  it.each([
    ['refused', 'manifest unknown', 'manifest unknown: manifest unknown'],
    ['denied', 'a right is missing', 'denied: Permission "artifactregistry.repositories.downloadArtifacts" denied'],
    ['busy', 'the registry is away', 'Get "https://registry.example/v2/": dial tcp: i/o timeout'],
  ])('is %s, in the words of the engine, when %s', async (kind, _, words) => {
    engine.registry.set(IMAGE, { news: [...LAYERS, { errorDetail: { message: words }, error: words }] })
    const message = `docker: image ${IMAGE} cannot be pulled: ${words}`
    await expect((await open()).launch(SPEC)).rejects.toMatchObject({ kind, message })
    expect(engine.containers.size).toBe(0)
  })

  it('is refused when no registry has it', async () => {
    const words = `manifest for ${IMAGE} not found: manifest unknown: manifest unknown`
    const message = `docker: image ${IMAGE} cannot be pulled: ${words}`
    await expect((await open()).launch(SPEC)).rejects.toMatchObject({ kind: 'refused', message })
  })

  it('is given up when nothing is heard of it, and when the launcher is closed', async () => {
    engine.registry.set(IMAGE, { news: LAYERS, until: new Promise(() => {}) })
    const impatient = await open({ pull: { stall: 50, login: async () => undefined } })
    await expect(impatient.launch(SPEC)).rejects.toMatchObject({
      kind: 'busy',
      message: `docker: nothing was heard of the pull of image ${IMAGE} (1 of 2 layers)`,
    })
    const launcher = await open()
    const launched = launcher.launch(SPEC).catch((error: unknown) => error)
    await until(() => engine.urls.filter((url) => url.includes('/images/create')).length > 1)
    await launcher.close()
    expect(await launched).toMatchObject({ name: 'LaunchError', kind: 'busy' })
  })

  it('is pulled with the login that there is for its registry', async () => {
    engine.registry.set(IMAGE, { news: LAYERS })
    const login = { username: 'oauth2accesstoken', password: 'token', serveraddress: 'registry.example' }
    await (await open({ pull: { login: async () => login } })).launch(SPEC)
    expect(engine.logins.map((each) => JSON.parse(each ?? ''))).toEqual([login])
  })
})

describe('an engine that does not answer', () => {
  it('is named, with what to do', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-no-engine-'))
    const socketPath = join(folder, 'docker.sock')
    try {
      await expect(dockerLauncher({ docker: { socketPath }, stack: 'dev' })).rejects.toMatchObject({
        name: 'UserError',
        message: expect.stringMatching(
          new RegExp(
            `^docker: the launcher cannot begin: no engine answers at ${socketPath} \\(ENOENT\\): .*DOCKER_HOST$`,
          ),
        ),
      })
      writeFileSync(socketPath, '')
      await expect(dockerLauncher({ docker: { socketPath }, stack: 'dev' })).rejects.toThrow('(ECONNREFUSED)')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is busy, not gone, when it went away since', async () => {
    engine.images.add(IMAGE)
    const launcher = await open()
    await launcher.launch(SPEC)
    await engine.close()
    // The first request may go by a connection that was left open.
    await expect(launcher.status(SPEC.name)).rejects.toMatchObject({ kind: 'busy' })
    const words = `no engine answers at ${engine.socketPath} (ENOENT)`
    const away = { kind: 'busy', message: expect.stringContaining(words) }
    await expect(launcher.status(SPEC.name)).rejects.toMatchObject(away)
    await expect(launcher.list()).rejects.toMatchObject(away)
    await expect(launcher.launch(SPEC)).rejects.toMatchObject(away)
  })
})
