import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAlive } from '../../../platform/engine/postgres/embedded/postmaster.ts'

/** The program that stands for driver and workers. */
export const PROGRAM = fileURLToPath(new URL('./programs/job.ts', import.meta.url))

/**
 * What the program does:
 * `completes` at once, with 0 · `fails` at once: "no luck" to standard error, and 3 · `waits` until SIGTERM, and ends with
 * 143 · `ignores SIGTERM`, but says that it came · `tells its environment` as a line of JSON, and waits ·
 * `prints` the lines in TEST_LINES (JSON), and waits · `uses memory`: 4 GiB of it; a fake need not let it · `runs`: our own
 * driver and worker, of the project in TEST_ROOT
 */
export type Does =
  | 'completes'
  | 'fails'
  | 'waits'
  | 'ignores SIGTERM'
  | 'tells its environment'
  | 'prints'
  | 'uses memory'
  | 'runs'

export type Role = 'driver' | 'worker'

/** One process of a job. */
export interface JobProcess {
  readonly role: Role
  readonly isRunning: boolean
  /** All that it printed so far. */
  readonly output: readonly string[]
}

/** Starts the program, for a fake: as a container would, with this environment alone. Its output comes by pipes. */
export function startProgram(role: Role, environment: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [PROGRAM, role], { env: { ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** The processes of a job (`TEST_JOB`) that were started on this machine with `TEST_FOLDER: folder`, by their notes. */
export function processesIn(folder: string, job: string): JobProcess[] {
  return notesIn(folder)
    .filter((note) => note.job === job)
    .map(({ file, role, pid }) => ({
      role,
      isRunning: isRunning(pid),
      output: readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1),
    }))
}

/** Kills what still runs of those. */
export function killProcessesIn(folder: string): void {
  for (const { pid } of notesIn(folder)) if (isRunning(pid)) process.kill(pid, 'SIGKILL')
}

/** Its pid may be another process's by now. */
function isRunning(pid: number): boolean {
  if (process.platform !== 'linux') return isAlive(pid)
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(PROGRAM)
  } catch {
    return false
  }
}

function notesIn(folder: string): { file: string; job: string; role: Role; pid: number }[] {
  return readdirSync(folder).flatMap((file) => {
    const [, job, role, pid] = /^(.+)-(driver|worker)-(\d+)$/.exec(file) ?? []
    return job && (role === 'driver' || role === 'worker') ? [{ file, job, role, pid: Number(pid) }] : []
  })
}
