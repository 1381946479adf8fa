import type { PoolSettings } from './pool-settings.ts'

/** What a worker cluster has to do, by the database. */
export interface Load {
  /** Task runs that no worker has taken. */
  readonly waiting: number
  /** Task runs that workers hold. */
  readonly running: number
  /** Workers that hold some. */
  readonly busy: number
}

/** Nothing waits, and no worker holds anything. */
export function isQuiet({ waiting, running, busy }: Load): boolean {
  return waiting === 0 && running === 0 && busy === 0
}

/**
 * Pure: how many instances a worker cluster is to have. There are more as soon as there is more to do. Which instance goes
 * when there are to be fewer is not ours to say, so that none goes while any worker has something to do, nor soon after.
 * @param now instances that there are
 * @param quietFor how long (ms) there has been nothing to do
 */
export function instancesFor(
  load: Load,
  { min, max, tasksPerWorker, cooldown }: Omit<PoolSettings, 'pool'>,
  now: number,
  quietFor: number,
): number {
  const wanted = Math.min(max, Math.max(min, Math.ceil((load.waiting + load.running) / tasksPerWorker)))
  if (wanted >= now) return wanted
  return isQuiet(load) && quietFor >= cooldown * 1000 ? wanted : now
}
