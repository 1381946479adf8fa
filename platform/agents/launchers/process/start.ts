import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { LaunchError } from '../../launcher.ts'

export interface Start {
  readonly script: string
  /** Path of the job's folder. */
  readonly job: string
  readonly role: string
  /** Milliseconds that it has after SIGTERM. */
  readonly grace: number
  readonly command: readonly string[]
  readonly cwd: string
  readonly environment: NodeJS.ProcessEnv
}

/** Starts a process of a job with its supervisor, or finds that it was started; waits until one of both is certain. */
export async function start({ script, job, role, grace, command, cwd, environment }: Start): Promise<void> {
  const child = spawn('/bin/sh', [script, job, role, String(grace / 1000), ...command], {
    cwd,
    env: environment,
    // A session of its own: it outlives the agent, and Ctrl-C in the agent's terminal is not for it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await new Promise<void>((resolve, reject) => {
    let said = ''
    child.once('error', (error) => reject(existsSync(cwd) ? error : noFolder(cwd)))
    child.stderr.on('data', (data: Buffer) => {
      said += data.toString()
    })
    child.stdout.once('data', () => resolve())
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new LaunchError('busy', `the ${role} in ${job} was not started: ${said.trim() || (signal ?? code)}`))
    })
  })
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
}

/** The system would say that there is no shell. */
function noFolder(cwd: string): LaunchError {
  return new LaunchError(
    'refused',
    `the project's folder ${cwd} is not there; start the agent with the root of a project`,
  )
}

/** Settings of a machine rather than of a run: what is set where the agent is holds for its jobs. */
const OF_THE_MACHINE = ['MILLRACE_CACHE', 'MILLRACE_SCRATCH', 'MILLRACE_GOOGLE_ENDPOINT']

/**
 * The environment of a job's process: that of the agent (PATH, HOME, credentials, a laptop's secrets), but the run contract
 * is the job's alone.
 */
export function environmentOf(
  own: NodeJS.ProcessEnv,
  contract: Readonly<Record<string, string>>,
): Record<string, string | undefined> {
  const isHandedDown = (name: string): boolean => !name.startsWith('MILLRACE_') || OF_THE_MACHINE.includes(name)
  const handedDown = Object.entries(own).filter(([name]) => isHandedDown(name))
  return { ...Object.fromEntries(handedDown), ...contract }
}
