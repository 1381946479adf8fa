/**
 * Whose tasks a worker takes. A run and a worker are of the same pool, or both of none; where there is one set of workers
 * for all, that is none.
 */

const CLUSTER = 'cluster:'

/** The pool of a standing worker cluster: of its workers, and of the runs that are sent there. */
export function clusterPool(cluster: string): string {
  return `${CLUSTER}${cluster}`
}

/** The worker cluster whose pool it is; undefined where it is none of one. */
export function clusterOf(pool: string | null): string | undefined {
  return pool?.startsWith(CLUSTER) ? pool.slice(CLUSTER.length) : undefined
}

/** The pool of the workers that a run brings with it, and of that run. */
export function runPool(run: string): string {
  return `run:${run}`
}

/** For a person: what a pool's workers are, and how to get one. */
export function describePool(pool: string | null): { readonly workers: string; readonly remedy: string } {
  if (pool === null) return { workers: 'worker', remedy: '; start one with: millrace worker start' }
  const cluster = clusterOf(pool)
  if (cluster !== undefined) {
    return {
      workers: `worker of the cluster ${cluster}`,
      remedy: `; start one with: millrace worker start --cluster ${cluster}`,
    }
  }
  return { workers: 'worker of those that this run brings', remedy: '' }
}
