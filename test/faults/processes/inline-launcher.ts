import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Job, JobStatus, Launcher } from '@millrace/agents'
import { driveRun, type PostgresStore } from '@millrace/engine'
import { flow } from '@millrace/sdk'

const hello = flow({ name: 'hello' }, () => 'hello')

/**
 * Drives runs in the process of its agent: for tests of many runs, which would take minutes as processes. Each launch is
 * noted in `FOLDER/launches`, with who made it.
 */
export function inlineLauncher(store: PostgresStore, folder: string): Launcher {
  mkdirSync(folder, { recursive: true })
  const jobs = new Map<string, Job>()
  const end = (handle: string, status: JobStatus): void => {
    const job = jobs.get(handle)
    if (job) jobs.set(handle, { ...job, status })
  }
  return {
    kind: 'process',
    place: `inline ${process.pid}`,
    async launch({ name, run, launch }) {
      if (jobs.has(name)) return name
      jobs.set(name, { handle: name, run, launch, created: 0, status: { state: 'running' } })
      appendFileSync(join(folder, 'launches'), `${run} ${launch} ${process.pid}\n`)
      driveRun(run, { flow: hello, store, root: folder, launch }).then(
        () => end(name, { state: 'succeeded' }),
        (error: Error) => end(name, { state: 'failed', reason: 'exit', exitCode: 1, message: error.message }),
      )
      return name
    },
    status: async (handle) => jobs.get(handle)?.status ?? { state: 'gone' },
    cancel: async () => {},
    remove: async (handle) => void jobs.delete(handle),
    list: async () => [...jobs.values()],
    tail: async () => [],
    close: async () => {},
  }
}
