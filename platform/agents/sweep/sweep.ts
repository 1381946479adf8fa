import {
  crashRun,
  type Database,
  endLaunch,
  giveBack,
  knownRuns,
  launched,
  launches,
  MOST_RESTARTS,
  rescheduleRun,
} from '@millrace/engine'
import { LaunchError, type Launcher } from '../launcher.ts'
import { type OpenLaunch, planSweep, SWEEP_PATIENCE, type SweepAction, type SweepPatience } from './plan-sweep.ts'

export interface SweepOptions {
  readonly database: Database
  readonly launcher: Launcher
  readonly patience?: Partial<SweepPatience>
  /** Only say what would be done. */
  readonly dryRun?: boolean
  /** When (ms since the epoch, of this process) runs were first seen being cancelled, or stranded; kept up to date. */
  readonly seen?: Map<string, number>
}

export interface Swept {
  readonly done: readonly SweepAction[]
  /** What could not be done: the next sweep does it. */
  readonly failed: readonly { readonly action: SweepAction; readonly error: unknown }[]
}

/**
 * Compares the ledger with the jobs of a place, and does what follows. Killed in between, or done by two at once, it does
 * no harm: whatever changes a run holds for one launch of it alone.
 * @throws LaunchError when the jobs cannot be listed
 */
export async function sweep(options: SweepOptions): Promise<Swept> {
  const { database, launcher, dryRun = false } = options
  // In this order: a job that is over has written down all that it had to say.
  const jobs = await launcher.list()
  const open = await openLaunches(options)
  const keys = new Set(open.map(({ run, launch }) => `${run} ${launch}`))
  const others = jobs.filter(({ run, launch }) => !keys.has(`${run} ${launch}`))
  const known = others.length > 0 ? await knownRuns(database, [...new Set(others.map(({ run }) => run))]) : new Set()
  const strays = others.map((job) => ({ job, isKnown: known.has(job.run) }))
  const actions = planSweep(open, jobs, strays, { ...SWEEP_PATIENCE, ...options.patience })
  if (dryRun) return { done: actions, failed: [] }
  const done: SweepAction[] = []
  const failed: { action: SweepAction; error: unknown }[] = []
  for (const action of actions) {
    try {
      if (await perform(database, launcher, action)) done.push(action)
    } catch (error) {
      failed.push({ action, error })
    }
  }
  return { done, failed }
}

async function openLaunches({ database, launcher, seen = new Map() }: SweepOptions): Promise<OpenLaunch[]> {
  const rows = await launches(database, launcher.place)
  const now = rows.flatMap(({ run, launch, state, isStranded }) => [
    ...(state === 'Cancelling' ? [`cancelling ${run} ${launch}`] : []),
    ...(isStranded ? [`stranded ${run} ${launch}`] : []),
  ])
  for (const key of seen.keys()) if (!now.includes(key)) seen.delete(key)
  for (const key of now) if (!seen.has(key)) seen.set(key, Date.now())
  const since = (key: string): number | undefined => {
    const first = seen.get(key)
    return first === undefined ? undefined : Date.now() - first
  }
  return rows.map((row) => ({
    ...row,
    cancellingFor: since(`cancelling ${row.run} ${row.launch}`),
    strandedFor: since(`stranded ${row.run} ${row.launch}`),
  }))
}

/** @returns whether something changed */
async function perform(database: Database, launcher: Launcher, action: SweepAction): Promise<boolean> {
  const { run, launch, why } = action
  switch (action.do) {
    case 'adopt':
      await launched(database, run, launch, { handle: action.handle })
      return true
    case 'give-back':
      return await giveBack(database, run, launch, { message: why })
    case 'stop':
      await launcher.cancel(action.handle)
      return true
    case 'again':
      // What is left of a job whose run is elsewhere is cleaned up, whoever is killed when; the other way round it was lost.
      if (!(await rescheduleRun(database, run, launch, { message: why, most: MOST_RESTARTS }))) return false
      await launcher.remove(action.handle)
      return true
    case 'remove':
      await launcher.remove(action.handle)
      await endLaunch(database, run, launch, {})
      return true
    case 'remove-double':
      await launcher.remove(action.handle)
      return true
    case 'close':
      await endLaunch(database, run, launch, {})
      return true
    case 'end-run': {
      const lines = action.handle === undefined ? [] : await lastLines(launcher, action.handle)
      const { state, reason } = action
      return await crashRun(database, run, launch, { message: why, reason, state, lines })
    }
  }
}

/** Without them the reason is worth less, but it counts. */
async function lastLines(launcher: Launcher, handle: string): Promise<string[]> {
  try {
    return await launcher.tail(handle)
  } catch (error) {
    if (error instanceof LaunchError) return [`(its last lines cannot be had: ${error.message})`]
    throw error
  }
}
