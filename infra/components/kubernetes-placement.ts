/** Label of nodes, and the taint that keeps everything else off them: the name of their pool. */
export const POOL_LABEL = 'millrace.dev/pool'

/** The pool of what must always run. */
export const SYSTEM_POOL = 'system'

/**
 * `up` does not wait for pods: where a pool of nodes begins at nothing, the first of them waits minutes for a machine.
 * Whether they come up is what Monitoring watches.
 */
export const NOT_WAITED_FOR = { 'pulumi.com/skipAwait': 'true' }
