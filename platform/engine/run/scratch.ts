/**
 * Where a run keeps scratch data, the same for its driver and all workers: in its store, or in the project's folder.
 * @param store URL of the run's store; its driver's `MILLRACE_STORE`
 */
export function scratchUrl(root: string, run: string, store = `file:${root}/.millrace`): string {
  return `${store.replace(/\/$/, '')}/scratch/${run}`
}
