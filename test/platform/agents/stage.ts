import { randomBytes } from 'node:crypto'
import type { TestContext } from 'vitest'
import type { Job, JobHandle, JobSpec, JobStatus, Launcher } from '../../../platform/agents/launcher.ts'
import { until } from '../../until.ts'
import type { Does, JobProcess, Role } from './programs.ts'

/**
 * A launcher under test, with the platform that it launches on: a machine, an engine, or a fake of a cloud. Unless a
 * lever says otherwise jobs start at once, and run test/platform/agents/programs/job.ts as driver and as worker.
 */
export interface LauncherStage {
  readonly launcher: Launcher
  /** The stack that `launcher` is of. */
  readonly stack: string
  /** What each spec has here: an image, something in the environment for the program. */
  readonly defaults: { readonly image?: string; readonly environment?: Readonly<Record<string, string>> }
  /** What of a spec this platform is told; the rest means nothing to it. */
  readonly arrives: ReadonlySet<Arrival>
  /** What can be done to this platform. What it knows nothing of (docker: preemption) is left out, and skipped aloud. */
  readonly levers: Partial<Levers>
  /** One more launcher for the same platform, as another agent has it, or one that was started anew. @param stack default its own */
  another(stack?: string): Promise<Launcher>
  /** The processes that a job has, or had; for as long as the stage is open, also when the job is removed. */
  processes(handle: JobHandle): Promise<readonly JobProcess[]>
  /** What the platform was told of a job that it still has. */
  seen(handle: JobHandle): Promise<Seen>
  /** Puts something on the platform, where jobs are, that is not a job of ours. */
  addStranger(): Promise<void>
  /** Removes everything, running or not. */
  close(): Promise<void>
}

/** `name`: jobs have the names that we give them, so that there cannot be two of one. */
export type Arrival =
  | 'name'
  | 'labels'
  | 'image'
  | 'cpu'
  | 'memory'
  | 'gpu'
  | 'machineType'
  | 'spot'
  | 'account'
  | 'deadline'

/** A job in the platform's own records, translated back. What `arrives` does not have may be left out. */
export interface Seen {
  /** All that the platform keeps of it, as one text: definitions, environment, labels. */
  readonly text: string
  readonly labels?: Readonly<Record<string, string>>
  readonly driver?: Partial<JobSpec['driver']> & { readonly image?: string }
  /** None where the job has no workers. */
  readonly workers?: Partial<JobSpec['workers']> & { readonly image?: string }
  readonly account?: string
  /** As near as the platform is told it (ms since the epoch). */
  readonly deadline?: number
}

/**
 * How requests go wrong: `answer lost`: done, and the connection breaks before the answer · `busy`: 429, with
 * "Retry-After: 7" where there is such a thing · `away`: 503, or no connection · `denied`: 403 · `refused`: 400
 */
export type Fault = 'answer lost' | 'busy' | 'away' | 'denied' | 'refused'

export interface Levers {
  /**
   * The next so many requests that change something go wrong (for `denied`, `busy`, `away`: the next requests of any kind).
   * @returns a part of the platform's own words (`denied`: the permission) that the error must show; undefined where the
   * platform has no such fault
   */
  breakNext(fault: Fault, times?: number): string | undefined
  /** Answers so many requests more, does one more without an answer, and then breaks every connection; until `mend`. */
  cutAfter(requests: number): void
  mend(): void
  /** An image that cannot be had, and a part of the platform's words for that. */
  missingImage(): { readonly image: string; readonly words: string }
  /** A machine type that there is not, and a part of the words of whoever refuses it. */
  unknownMachine(): { readonly machineType: string; readonly words: string }
  /** From now on there is no machine for what is launched; part of the words. */
  holdMachines(): string
  /** There are machines again: what waits starts. */
  giveMachines(): void
  /** A spec by which a program that `uses memory` is stopped. */
  littleMemory(): Partial<JobSpec>
  /** Takes the machine of its driver away. */
  preempt(handle: JobHandle): void | Promise<void>
  /** Lets the time come that the job was given as its deadline. */
  passDeadline(handle: JobHandle): void | Promise<void>
}

/** A lever, or the end of the test, said aloud, where the platform does not have it. */
export function lever<Name extends keyof Levers>(
  { skip }: TestContext,
  { launcher, levers }: LauncherStage,
  name: Name,
): Levers[Name] {
  const found = levers[name]
  if (!found) skip(`${launcher.kind} has no ${name}`)
  return found as Levers[Name]
}

/** Ends a test, aloud, where what it looks for means nothing to the platform. */
export function needs({ skip }: TestContext, { launcher, arrives }: LauncherStage, what: Arrival): void {
  if (!arrives.has(what)) skip(`${launcher.kind} is not told: ${what}`)
}

/** A spec of a new run. */
export function specOf(
  { stack, defaults }: LauncherStage,
  does: Does,
  { environment, ...more }: Partial<JobSpec> = {},
): JobSpec {
  const run = more.run ?? newRunId()
  const name = `millrace-${run}-${more.launch ?? 1}`
  return {
    name,
    run,
    launch: 1,
    flow: 'hello',
    stack,
    ...(defaults.image !== undefined && { image: defaults.image }),
    driver: {},
    workers: { count: 0 },
    ...more,
    environment: { MILLRACE_RUN: run, TEST_JOB: name, TEST_DOES: does, ...defaults.environment, ...environment },
  }
}

/** As the engine makes them: 12 lower-case letters and digits. */
function newRunId(): string {
  return BigInt(`0x${randomBytes(10).toString('hex')}`)
    .toString(36)
    .padStart(12, '0')
    .slice(-12)
}

/** Waits until its driver is so far. */
export function untilState(
  { launcher }: Pick<LauncherStage, 'launcher'>,
  handle: JobHandle,
  ...states: readonly JobStatus['state'][]
): Promise<JobStatus> {
  return until(async () => {
    const status = await launcher.status(handle)
    return states.includes(status.state) ? status : undefined
  }, 20_000)
}

/** Waits until driver and workers have all printed something, and run. */
export function untilRunning(stage: LauncherStage, handle: JobHandle, workers = 0): Promise<readonly JobProcess[]> {
  return until(async () => {
    const found = await stage.processes(handle)
    const begun = found.filter(({ isRunning, output }) => isRunning && output.length > 0)
    return begun.length === workers + 1 ? begun : undefined
  }, 20_000)
}

/** Waits until nothing of it runs. */
export async function untilStill(stage: LauncherStage, handle: JobHandle): Promise<readonly JobProcess[]> {
  return until(async () => {
    const found = await stage.processes(handle)
    return found.every(({ isRunning }) => !isRunning) ? found : undefined
  }, 20_000)
}

/** How many processes of a role there were. */
export function countOf(processes: readonly JobProcess[], role: Role): number {
  return processes.filter((each) => each.role === role).length
}

/** The job of a run, if it is listed; the test fails where it is listed twice. */
export async function listed(launcher: Launcher, run: string): Promise<Job | undefined> {
  const found = (await launcher.list()).filter((job) => job.run === run)
  if (found.length > 1) throw new Error(`run ${run} is listed ${found.length} times`)
  return found[0]
}
