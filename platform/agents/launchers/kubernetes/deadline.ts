import type { V1Job } from '@kubernetes/client-node'

/**
 * How long (s) a job may be active. It is counted from when the cluster says that it was made: the clock of whoever launches
 * it may be wrong.
 * @param deadline ms since the epoch
 */
export function activeSeconds({ metadata }: V1Job, deadline: number | undefined): number | undefined {
  if (deadline === undefined) return undefined
  const made = metadata?.creationTimestamp?.getTime() ?? Date.now()
  return Math.max(1, Math.ceil((deadline - made) / 1000))
}
