import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import Docker from 'dockerode'
import { dockerLauncher } from '../../../platform/agents/launchers/docker.ts'
import { type JobProcess, PROGRAM } from '../../platform/agents/programs.ts'
import type { LauncherStage } from '../../platform/agents/stage.ts'
import { GRACE_MS } from './fake-stage.ts'
import { DENIED, faultyEngine, REFUSED } from './faults.ts'
import { containersOf, seenOf } from './seen.ts'

/** The version of the engine that the environment names; undefined where none answers. */
export async function engineVersion(): Promise<string | undefined> {
  try {
    return (await new Docker().version()).Version
  } catch {
    return undefined
  }
}

/** The launcher on an engine that is one; requests go by a proxy of ours, so that they can go wrong. */
export async function realStage(): Promise<LauncherStage> {
  const docker = new Docker()
  const tag = randomBytes(6).toString('hex')
  const image = `millrace/test-job:${tag}`
  await makeImage(docker, image)
  const faults = await faultyEngine(await targetOf(docker))
  const stack = `test-${tag}`
  const strangers: Docker.Container[] = []
  const seenOnce = new Map<string, Map<string, JobProcess>>()
  const another = async (of = stack) => {
    const launcher = await dockerLauncher({
      docker: { socketPath: faults.socketPath },
      // An engine without a network of its own would have none else.
      network: 'none',
      stack: of,
      grace: GRACE_MS,
    })
    const remove = async (handle: string): Promise<void> => {
      await processes(handle)
      await launcher.remove(handle)
    }
    return { ...launcher, remove }
  }
  const launcher = await another()
  return {
    launcher,
    stack,
    defaults: { image },
    arrives: new Set(['name', 'labels', 'image', 'cpu', 'memory', 'deadline']),
    levers: {
      breakNext(fault, times = 1) {
        if (fault === 'busy') return undefined
        faults.breakNext(fault, times)
        return { 'answer lost': '', away: 'ECONNRESET', denied: DENIED, refused: REFUSED }[fault]
      },
      cutAfter: faults.cutAfter,
      mend: faults.mend,
      littleMemory: () => ({ driver: { memory: 128 * 2 ** 20 } }),
    },
    another,
    processes,
    seen: (handle) => seenOf(docker, handle),
    async addStranger() {
      const made = await docker.createContainer({ Image: image, Cmd: ['/app/bin/node'] })
      strangers.push(made)
    },
    async close() {
      const left = await docker.listContainers({ all: true, filters: { label: ['millrace=job'] } })
      const ours = left.filter(({ Image }) => Image === image).map(({ Id }) => docker.getContainer(Id))
      await Promise.all([...ours, ...strangers].map((each) => each.remove({ force: true, v: true }).catch(() => {})))
      const { Volumes } = await docker.listVolumes({ filters: { label: [`millrace-stack=${stack}`] } })
      await Promise.all(Volumes.map(({ Name }) => docker.getVolume(Name).remove()))
      await docker.getImage(image).remove({ force: true })
      await launcher.close()
      await faults.close()
    },
  }

  /** What is removed is known as it was when somebody looked last. */
  async function processes(handle: string): Promise<readonly JobProcess[]> {
    const known = seenOnce.get(handle) ?? new Map<string, JobProcess>()
    seenOnce.set(handle, known)
    for (const [id, each] of known) known.set(id, { ...each, isRunning: false })
    for (const { Id, Name, State } of await containersOf(docker, handle)) {
      if (State.Status === 'created') continue
      const output = await outputOf(docker.getContainer(Id)).catch(() => known.get(Id)?.output ?? [])
      known.set(Id, { role: Name === `/${handle}` ? 'driver' : 'worker', isRunning: State.Running, output })
    }
    return [...known.values()]
  }
}

/** All that it printed, standard output before standard error, by dockerode's own reading of frames. */
async function outputOf(container: Docker.Container): Promise<string[]> {
  const log = await container.logs({ stdout: true, stderr: true, follow: false })
  const [out, err] = [new PassThrough(), new PassThrough()]
  const source = Readable.from([log])
  container.modem.demuxStream(source, out, err)
  source.once('end', () => {
    out.end()
    err.end()
  })
  const all = (await Promise.all([text(out), text(err)])).join('')
  return all.split('\n').slice(0, -1)
}

/** An image with this machine's Node and its libraries, and the program where ours are. No registry is needed. */
async function makeImage(docker: Docker, name: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'millrace-test-job-'))
  try {
    const node = realpathSync(process.execPath)
    for (const library of librariesOf(node)) put(realpathSync(library), join(root, library))
    put(node, join(root, 'app/bin/node'))
    for (const folder of ['flow', 'worker']) put(PROGRAM, join(root, 'app/images', folder, 'main.ts'))
    writeFileSync(join(root, 'app/package.json'), '{ "type": "module" }\n')
    mkdirSync(join(root, 'tmp'))
    const tar = spawn('tar', ['--create', '--directory', root, '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [repo, tag] = name.split(':')
    const news = await docker.importImage(tar.stdout, { repo, tag })
    for await (const _ of news);
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function librariesOf(program: string): string[] {
  const { LD_LIBRARY_PATH: _, ...env } = process.env
  return execFileSync('ldd', [program], { encoding: 'utf8', env }).match(/\/\S+/g) ?? []
}

function put(file: string, place: string): void {
  mkdirSync(dirname(place), { recursive: true })
  cpSync(file, place)
}

/** What dockerode made of DOCKER_HOST; its types do not tell. */
interface Address {
  readonly host?: string
  readonly port?: string
  readonly protocol: string
  readonly socketPath?: string | (() => Promise<string>)
}

async function targetOf(docker: Docker): Promise<object> {
  const { host, port, protocol, socketPath } = docker.modem as unknown as Address
  if (host === undefined) return { socketPath: typeof socketPath === 'function' ? await socketPath() : socketPath }
  if (protocol !== 'http') throw new Error(`DOCKER_HOST by ${protocol} is more than this test can do`)
  return { host, port }
}
