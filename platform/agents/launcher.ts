import type { Machine } from '@millrace/engine'

/** Ways to launch a run. */
export const LAUNCHERS = ['process', 'docker', 'kubernetes', 'cloud-run', 'vertex'] as const
export type LauncherKind = (typeof LAUNCHERS)[number]

/** What is launched: one driver and its workers, of one image. */
export interface JobSpec {
  /**
   * Names the job, the same however often it is tried: `millrace-RUN-LAUNCH`, lower-case letters, digits and "-", a
   * letter first, 40 at most. Where a platform lets names be chosen, this is it, so that it cannot be made twice.
   */
  readonly name: string
  readonly run: string
  /** How often the run has been launched, this time included. */
  readonly launch: number
  readonly flow: string
  readonly stack: string
  /** By digest. The process launcher needs none. */
  readonly image?: string
  /** The run contract, for driver and workers alike (images/README.md): which of the two a process is, its program says. */
  readonly environment: Readonly<Record<string, string>>
  readonly driver: Machine
  readonly workers: Machine & { readonly count: number }
  /** Address of the service account that it is; the launcher's own otherwise. */
  readonly account?: string
  /** When it is to be stopped at the latest (ms since the epoch). */
  readonly deadline?: number
}

/** Names a job to its launcher, for as long as the platform knows of it. Opaque: only its launcher reads it. */
export type JobHandle = string

/** How far the driver of a job is. `gone`: the platform does not know the job. */
export type JobState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'gone'

/**
 * Why a job waits or failed:
 * `image-pull`: its image cannot be had · `no-capacity`: there is no machine for it yet · `refused`: the platform does not
 * take it as it is (unknown machine type, missing right, quota) · `out-of-memory` · `preempted`: its machine was taken away;
 * launched again it may succeed · `deadline` · `cancelled` · `exit`: its program ended with `exitCode` · `unknown`
 */
export type JobReason =
  | 'image-pull'
  | 'no-capacity'
  | 'refused'
  | 'out-of-memory'
  | 'preempted'
  | 'deadline'
  | 'cancelled'
  | 'exit'
  | 'unknown'

export interface JobStatus {
  readonly state: JobState
  readonly reason?: JobReason
  /** The platform's own words. */
  readonly message?: string
  readonly exitCode?: number
}

/** A job as its platform knows it. */
export interface Job {
  readonly handle: JobHandle
  /** From its labels. */
  readonly run: string
  readonly launch: number
  /** Milliseconds since the epoch, by the platform's clock. */
  readonly created: number
  readonly deadline?: number
  readonly status: JobStatus
}

/**
 * One way to launch runs. Five implementations, one conformance suite (test/platform/agents/launchers.conformance.ts).
 * Every call may be made again: nothing is started twice, and what is gone already is no error. Whatever goes wrong is a
 * {@link LaunchError}, which says whether trying again may help; nothing here waits and tries by itself (patient.ts does).
 */
export interface Launcher {
  readonly kind: LauncherKind
  /**
   * Where its jobs are: `process HOST FOLDER`, `kubernetes SERVER NAMESPACE`, `cloud-run PROJECT REGION` … Launchers of one
   * place see the same jobs, and may look after each other's; what `list()` of another place lacks says nothing.
   */
  readonly place: string
  /**
   * Starts a job, or finds it: also where an earlier call was cut off before its answer came. It does not wait for a
   * machine. When it throws, nothing of the job is left, or it is found by the next call.
   */
  launch(spec: JobSpec): Promise<JobHandle>
  status(handle: JobHandle): Promise<JobStatus>
  /** Stops it: driver and workers get SIGTERM and the time that the platform gives them. */
  cancel(handle: JobHandle): Promise<void>
  /** Deletes what the platform keeps of a job, stopping it first where it goes on. */
  remove(handle: JobHandle): Promise<void>
  /** All jobs of this stack that were launched this way and not removed, those that are over included. */
  list(): Promise<Job[]>
  /** The last lines that its driver printed, oldest first. @param lines default 20 */
  tail(handle: JobHandle, lines?: number): Promise<string[]>
  close(): Promise<void>
}

/** A platform did not do as it was asked. */
export class LaunchError extends Error {
  override name = 'LaunchError'
  /**
   * `busy`: it may work later (too many requests, away, an answer that was lost). `refused`: it will not, as it is.
   * `denied`: whoever asks may not; the message names the permission.
   */
  readonly kind: 'busy' | 'refused' | 'denied'
  /** How long (ms) the platform asks to wait before the next try. */
  readonly after: number | undefined

  constructor(kind: LaunchError['kind'], message: string, options: ErrorOptions & { readonly after?: number } = {}) {
    super(message, options)
    this.kind = kind
    this.after = options.after
  }
}

/** Labels of a job, so that it is found, and told apart from what is not ours. Keys and values suit every platform. */
export const JOB_LABEL = {
  /** Always `job`. */
  millrace: 'millrace',
  run: 'millrace-run',
  launch: 'millrace-launch',
  stack: 'millrace-stack',
  flow: 'millrace-flow',
  /** Milliseconds since the epoch. */
  deadline: 'millrace-deadline',
} as const

/** The labels of a job, as every launcher writes them. */
export function jobLabels({ run, launch, stack, flow, deadline }: JobSpec): Record<string, string> {
  return {
    [JOB_LABEL.millrace]: 'job',
    [JOB_LABEL.run]: run,
    [JOB_LABEL.launch]: String(launch),
    [JOB_LABEL.stack]: stack,
    [JOB_LABEL.flow]: flow,
    ...(deadline !== undefined && { [JOB_LABEL.deadline]: String(deadline) }),
  }
}

/** What of a job its labels say; undefined where they are not those of one of ours. */
export function readJobLabels(
  labels: Readonly<Record<string, string | undefined>>,
): (Pick<Job, 'run' | 'launch' | 'deadline'> & { readonly stack: string }) | undefined {
  const { run, launch, stack, deadline } = {
    run: labels[JOB_LABEL.run],
    launch: Number(labels[JOB_LABEL.launch]),
    stack: labels[JOB_LABEL.stack],
    deadline: Number(labels[JOB_LABEL.deadline]),
  }
  if (labels[JOB_LABEL.millrace] !== 'job' || !run || !stack || !Number.isInteger(launch) || launch < 1)
    return undefined
  return { run, launch, stack, ...(Number.isFinite(deadline) && { deadline }) }
}

/** Programs of ours in an image, and what starts them. */
export const IN_IMAGE = {
  driver: ['/app/bin/node', '/app/images/flow/main.ts'],
  worker: ['/app/bin/node', '/app/images/worker/main.ts'],
} as const
