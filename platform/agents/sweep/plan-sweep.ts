import { isFinalRun, type RunState } from '@millrace/engine'
import { formatDuration } from '@millrace/sdk'
import type { Job, JobHandle, JobReason } from '../launcher.ts'

/** A launch that the ledger does not know to be over, beside its run. Lengths of time are milliseconds, by the database. */
export interface OpenLaunch {
  readonly run: string
  readonly launch: number
  readonly state: RunState
  /** The run has not been launched again, nor put back into its queue, since. */
  readonly isCurrent: boolean
  /** Undefined until the agent has written it down. */
  readonly handle?: JobHandle | undefined
  /** Whether the agent that claimed the run is still there. */
  readonly isAgentAlive: boolean
  /** Whether a driver holds the run. */
  readonly isDriverAlive: boolean
  /** Since it was claimed; since its job was made; since the run was over. */
  readonly openFor: number
  readonly launchedFor?: number | undefined
  readonly overFor?: number | undefined
  /** Since it was first seen being cancelled. */
  readonly cancellingFor?: number | undefined
  /** Since it was first seen that nobody works for its driver any more (engine/dispatch/ledger.ts). */
  readonly strandedFor?: number | undefined
  /** Beyond its deadline; negative before. */
  readonly lateBy?: number | undefined
  /** The ledger knows why its job ended. */
  readonly reason?: string | undefined
}

/** A job that no open launch speaks of. */
export interface StrayJob {
  readonly job: Job
  /** Whether the database knows its run. If not it may be another database's, and is left alone. */
  readonly isKnown: boolean
}

/** How long (ms) things may take before the sweeper does something about them. */
export interface SweepPatience {
  /** From a driver's last word to the end of its process, and from SIGTERM to the end. @default 30000 */
  readonly exit: number
  /** From creating a job until every list has it. @default 30000 */
  readonly settle: number
  /** For an image that cannot be pulled: registries have bad moments. @default 60000 */
  readonly image: number
  /** For a machine. @default an hour */
  readonly start: number
  /** For a driver to obey a cancellation. @default 60000 */
  readonly cancel: number
  /** For a driver to keep its own deadline. @default 60000 */
  readonly deadline: number
  /** For workers of a driver's version to come back to a standing cluster. @default 60000 */
  readonly stranded: number
}

export const SWEEP_PATIENCE: SweepPatience = {
  exit: 30_000,
  settle: 30_000,
  image: 60_000,
  start: 3_600_000,
  cancel: 60_000,
  deadline: 60_000,
  stranded: 60_000,
}

interface About {
  readonly run: string
  readonly launch: number
  /** A sentence. */
  readonly why: string
}

/** What the sweeper does about one launch. Every action may be done again, and by two at once. */
export type SweepAction = About &
  (
    | /** Write down the job of an agent that died before it could. */ {
        readonly do: 'adopt'
        readonly handle: JobHandle
      }
    | /** Put a run back into its queue that was claimed, and never launched. */ { readonly do: 'give-back' }
    | /** Put a run back into its queue whose job ended through no fault of its own. */ {
        readonly do: 'again'
        readonly handle: JobHandle
      }
    | /** The run is over, though its driver did not say so. */ {
        readonly do: 'end-run'
        readonly handle: JobHandle | undefined
        readonly state: 'Crashed' | 'Failed' | 'Cancelled'
        readonly reason: JobReason
      }
    | /** Stop a job. */ { readonly do: 'stop'; readonly handle: JobHandle }
    | /** Delete a job that is over, and close its launch. */ { readonly do: 'remove'; readonly handle: JobHandle }
    | /** Delete a job that is over and was one too many: its launch stays open. */ {
        readonly do: 'remove-double'
        readonly handle: JobHandle
      }
    | /** Nothing is left of it. */ { readonly do: 'close' }
  )

/** The driver was told to go before its run was over (images/flow/drive-one.ts). */
const TOLD_TO_GO = 143
/** Exit codes above it name a signal. */
const KILLED = 128

/**
 * Pure: what is to be done where the ledger and the jobs of a place do not agree. The jobs must have been listed before the
 * ledger was read: then a job that is over has said all that it had to say.
 */
export function planSweep(
  launches: readonly OpenLaunch[],
  jobs: readonly Job[],
  strays: readonly StrayJob[] = [],
  patience: SweepPatience = SWEEP_PATIENCE,
): SweepAction[] {
  const byKey = Map.groupBy(jobs, keyOf)
  return [
    ...launches.flatMap((launch) => {
      const [own, ...doubles] = ownFirst(launch, byKey.get(keyOf(launch)) ?? [])
      return [...aboutLaunch(launch, own, patience), ...doubles.flatMap((job) => aboutDouble(launch, job))]
    }),
    ...strays.flatMap(({ job, isKnown }) => (isKnown ? leftOver(job, 'it was closed in the ledger') : [])),
  ]
}

function keyOf({ run, launch }: { readonly run: string; readonly launch: number }): string {
  return `${run} ${launch}`
}

/**
 * The jobs of a launch, its own first: the one that the ledger names, else the oldest, which is the one that another
 * launch() finds. Where names cannot be chosen, a job may be made twice, since a list may lack it for a while.
 */
function ownFirst({ handle }: OpenLaunch, jobs: readonly Job[]): Job[] {
  const rank = (job: Job): number => (job.handle === handle ? 0 : 1)
  return jobs.toSorted((a, b) => rank(a) - rank(b) || a.created - b.created || (a.handle < b.handle ? -1 : 1))
}

/** While an agent makes the job it may settle by itself which one it takes. */
function aboutDouble({ run, launch, handle, isAgentAlive }: OpenLaunch, job: Job): SweepAction[] {
  if (handle === undefined && isAgentAlive) return []
  const why = 'its launch has another job'
  return [isActive(job) ? stop(job, why) : { run, launch, do: 'remove-double', handle: job.handle, why }]
}

function isActive({ status: { state } }: Job): boolean {
  return state === 'waiting' || state === 'running'
}

function aboutLaunch(open: OpenLaunch, job: Job | undefined, patience: SweepPatience): SweepAction[] {
  const { run, launch, state, handle, isCurrent, isAgentAlive } = open
  const about = { run, launch }
  // Its agent is making the job right now, and will write it down.
  if (handle === undefined && isAgentAlive) return []
  if (!isCurrent || state === 'Scheduled') return leftOver(job ?? about, 'its run was put back into its queue since')
  if (handle === undefined && job && !isFinalRun(state)) {
    return [{ ...about, do: 'adopt', handle: job.handle, why: 'the agent that made it died before it wrote that down' }]
  }
  if (state === 'Crashed' && job && wasTakenAway(job)) return again(open, job)
  if (isFinalRun(state)) return afterTheEnd(open, job, patience)
  if ((open.lateBy ?? -1) > patience.deadline) {
    return [
      endRun(open, job, 'Failed', 'deadline', 'it took longer than its timeout, and its driver did not end it'),
      ...(job && isActive(job) ? [stop(job, 'its deadline has passed')] : []),
    ]
  }
  if (state === 'Cancelling') return whileCancelling(open, job, patience)
  return job ? whileLive(open, job, patience) : withoutJob(open, patience)
}

/** The run is over. Its job may need a moment to end. */
function afterTheEnd(open: OpenLaunch, job: Job | undefined, { exit }: SweepPatience): SweepAction[] {
  const { run, launch, state, overFor = 0, isDriverAlive } = open
  const isLingering = isDriverAlive || overFor <= exit
  if (state === 'Crashed' && open.reason === undefined && job && saysWhy(job)) {
    return [
      endRun(open, job, 'Crashed', job.status.reason ?? 'unknown', `its job failed (${named(job)})${wordsOf(job)}`),
    ]
  }
  // A run that was cancelled before it began has no driver that could end by itself.
  const mayEnd = state !== 'Cancelled' || job?.status.state === 'running'
  if (job && isActive(job) && isLingering && mayEnd) return []
  return leftOver(job ?? { run, launch }, `its run is ${state}`)
}

function whileCancelling(open: OpenLaunch, job: Job | undefined, { cancel, settle }: SweepPatience): SweepAction[] {
  const { isDriverAlive, cancellingFor = 0, launchedFor = 0 } = open
  if (job && isActive(job)) {
    if (job.status.state === 'running' && cancellingFor <= cancel) return []
    const why =
      job.status.state === 'running' ? 'its driver did not stop by itself' : 'it was cancelled before it began'
    return [endRun(open, job, 'Cancelled', 'cancelled', why), stop(job, why)]
  }
  if (isDriverAlive || (!job && launchedFor <= settle)) return []
  return [endRun(open, job, 'Cancelled', 'cancelled', 'its job has ended')]
}

function whileLive(open: OpenLaunch, job: Job, patience: SweepPatience): SweepAction[] {
  const { status } = job
  const words = wordsOf(job)
  const waited = open.launchedFor ?? open.openFor
  switch (status.state) {
    case 'running':
      // Its driver puts the run back into its queue; launched again, it is of the version of its workers.
      return (open.strandedFor ?? -1) > patience.stranded
        ? [stop(job, 'its workers are of another version by now')]
        : []
    case 'waiting': {
      const { reason } = status
      if (reason === 'refused') return giveUp(open, job, 'refused', `it cannot start${words}`)
      if (reason === 'image-pull') {
        return waited > patience.image ? giveUp(open, job, reason, `its image cannot be pulled${words}`) : []
      }
      const late = `it has not started within ${formatDuration(patience.start)}${words}`
      return waited > patience.start ? giveUp(open, job, reason ?? 'no-capacity', late) : []
    }
    case 'failed':
      if (wasTakenAway(job)) return again(open, job)
      return [endRun(open, job, 'Crashed', status.reason ?? 'unknown', `its job failed (${named(job)})${words}`)]
    default:
      if (open.isDriverAlive) return []
      return [endRun(open, job, 'Crashed', 'exit', 'its driver ended and did not say how the run went')]
  }
}

function withoutJob(open: OpenLaunch, { settle }: SweepPatience): SweepAction[] {
  const { run, launch, handle, isDriverAlive, openFor, launchedFor = 0 } = open
  if (isDriverAlive) return []
  if (handle === undefined) {
    const why = 'the agent that claimed it died before it launched it'
    return openFor > settle ? [{ run, launch, do: 'give-back', why }] : []
  }
  return launchedFor > settle ? [endRun(open, undefined, 'Crashed', 'unknown', 'its job is gone')] : []
}

/** In this order: a driver that is told to go puts a run that is not over back into its queue. */
function giveUp(open: OpenLaunch, job: Job, reason: JobReason, why: string): SweepAction[] {
  return [endRun(open, job, 'Crashed', reason, why), stop(job, why)]
}

function again({ run, launch }: OpenLaunch, job: Job): SweepAction[] {
  return [{ run, launch, do: 'again', handle: job.handle, why: `its machine was taken away${wordsOf(job)}` }]
}

/** A driver that was killed could not say why: who looked after it knows only that it vanished. */
function saysWhy({ status: { state, reason, exitCode = 0 } }: Job): boolean {
  return state === 'failed' && (reason === 'exit' ? exitCode > KILLED : reason !== undefined && reason !== 'cancelled')
}

function wordsOf({ status: { message } }: Job): string {
  return message === undefined ? '' : `: ${message}`
}

/** Started again, it may succeed: it was not the run's fault. */
function wasTakenAway({ status }: Job): boolean {
  return status.state === 'failed' && (status.reason === 'preempted' || status.exitCode === TOLD_TO_GO)
}

function stop({ run, launch, handle }: Job, why: string): SweepAction {
  return { run, launch, do: 'stop', handle, why }
}

function endRun(
  { run, launch, handle }: OpenLaunch,
  job: Job | undefined,
  state: 'Crashed' | 'Failed' | 'Cancelled',
  reason: JobReason,
  why: string,
): SweepAction {
  return { run, launch, do: 'end-run', handle: job?.handle ?? handle, state, reason, why }
}

function leftOver(job: Job | { readonly run: string; readonly launch: number }, why: string): SweepAction[] {
  const { run, launch } = job
  if (!('handle' in job)) return [{ run, launch, do: 'close', why }]
  return [isActive(job) ? stop(job, why) : { run, launch, do: 'remove', handle: job.handle, why }]
}

/** `out of memory`, `exit code 3`. */
function named({ status: { reason, exitCode } }: Job): string {
  if (reason === undefined || reason === 'exit') return exitCode === undefined ? 'unknown' : `exit code ${exitCode}`
  return reason.replaceAll('-', ' ')
}
