/** Where a run keeps scratch data: below `MILLRACE_STORE`, or in the project's folder. The same for driver and workers. */
export function scratchUrl(root: string, run: string): string {
  const base = process.env.MILLRACE_STORE ?? `file:${root}/.millrace`
  return `${base.replace(/\/$/, '')}/scratch/${run}`
}
