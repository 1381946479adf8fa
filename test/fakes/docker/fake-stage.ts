import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { dockerLauncher } from '../../../platform/agents/launchers/docker.ts'
import { killProcessesIn, processesIn, startProgram } from '../../platform/agents/programs.ts'
import type { LauncherStage } from '../../platform/agents/stage.ts'
import type { Container } from './container.ts'
import { fakeDocker } from './engine.ts'
import { DENIED, faultyEngine, REFUSED } from './faults.ts'
import { seenOf } from './seen.ts'

const IMAGE = `registry.example/millrace/flow-hello@sha256:${'a1'.repeat(32)}`
/** From SIGTERM to SIGKILL: a busy machine must not make it short for a program that obeys. */
export const GRACE_MS = 3000
const LITTLE_MEMORY = 64 * 2 ** 20

/** The launcher on an engine that is a fake: its containers are processes of this machine. */
export async function fakeStage(): Promise<LauncherStage> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-docker-'))
  const engine = await fakeDocker((container, environment) =>
    isOverLimit(container, environment) ? undefined : startProgram(roleOf(container), environment),
  )
  engine.images.add(IMAGE)
  const faults = await faultyEngine({ socketPath: engine.socketPath })
  const docker = new Docker({ socketPath: engine.socketPath })
  const stack = 'test'
  const another = (of = stack) =>
    dockerLauncher({ docker: { socketPath: faults.socketPath }, stack: of, grace: GRACE_MS })
  const launcher = await another()
  return {
    launcher,
    stack,
    defaults: { image: IMAGE, environment: { TEST_FOLDER: folder } },
    arrives: new Set(['name', 'labels', 'image', 'cpu', 'memory', 'gpu', 'deadline']),
    levers: {
      breakNext(fault, times = 1) {
        // An engine counts no requests.
        if (fault === 'busy') return undefined
        faults.breakNext(fault, times)
        return { 'answer lost': '', away: 'ECONNRESET', denied: DENIED, refused: REFUSED }[fault]
      },
      cutAfter: faults.cutAfter,
      mend: faults.mend,
      littleMemory: () => ({ driver: { memory: LITTLE_MEMORY } }),
      preempt: async (handle) => await containerOf(handle)?.lose(),
    },
    another,
    processes: async (handle) => processesIn(folder, handle),
    seen: (handle) => seenOf(docker, handle),
    async addStranger() {
      const made = await docker.createContainer({ name: `stranger-${Date.now()}`, Image: IMAGE })
      await made.start()
    },
    async close() {
      await launcher.close()
      await faults.close()
      await engine.close()
      killProcessesIn(folder)
      rmSync(folder, { recursive: true, force: true })
    },
  }

  function containerOf(name: string): Container | undefined {
    return [...engine.containers.values()].find((each) => each.name === name)
  }
}

function roleOf({ request }: Container): 'driver' | 'worker' {
  return request.Entrypoint?.[1] === '/app/images/worker/main.ts' ? 'worker' : 'driver'
}

function isOverLimit({ request }: Container, { TEST_DOES }: Readonly<Record<string, string>>): boolean {
  return TEST_DOES === 'uses memory' && request.HostConfig?.Memory === LITTLE_MEMORY
}
