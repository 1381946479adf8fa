import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { findInstallation, program } from './installation.ts'
import { isAlive, isPostgres, type Postmaster, pause, readPostmaster, send, until, worksIn } from './postmaster.ts'
import { run } from './program.ts'

/** Ends the server in the way that loses nothing and breaks off what runs, and waits until it is gone. */
export async function shutDown(postmaster: Postmaster, folder: string): Promise<void> {
  const data = join(folder, 'data')
  if (process.platform === 'win32') {
    const { bin } = await findInstallation([{ kind: 'self' }], folder)
    await run({ kind: 'self' }, join(bin, program('pg_ctl')), ['stop', '--mode=fast', '--wait', `--pgdata=${data}`])
    return
  }
  // After its last deed, the removal of postmaster.pid, the process is there for some more milliseconds.
  const isGone = () => !isServing(postmaster, data) && worksIn(postmaster.pid, data) !== true
  send(postmaster.pid, 'SIGINT')
  if (await until(isGone, 60_000)) return
  send(postmaster.pid, 'SIGQUIT') // at once; what was committed comes back from the log at the next start
  await until(isGone, 5000)
}

/** As {@link shutDown}, for the last moment of a process: waits only until the server has begun to end. */
export function askToStop(postmaster: Postmaster, data: string): void {
  if (process.platform === 'win32' || !isServing(postmaster, data)) return
  send(postmaster.pid, 'SIGINT')
  for (let tries = 0; tries < 500 && readPostmaster(data)?.state === 'ready'; tries++) pause(1)
}

/** Whether this very server is still there, as far as can be seen without asking it. */
export function isServing(postmaster: Postmaster, data: string): boolean {
  const { pid } = postmaster
  return readPostmaster(data)?.pid === pid && isAlive(pid) && worksIn(pid, data) !== false
}

/**
 * Ends the processes of a server whose head was killed: they work on until they look for it, and as long as one
 * is there Postgres rightly refuses to start another. Nobody can get an answer from them any more.
 */
export async function endOrphans(data: string): Promise<void> {
  if (process.platform !== 'linux' || readPostmaster(data) === undefined) return
  const processes = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const orphans = processes.filter((pid) => worksIn(pid, data) && isPostgres(pid))
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const pid of orphans) if (worksIn(pid, data)) send(pid, signal)
    if (await until(() => !orphans.some((pid) => worksIn(pid, data)), 1000)) return
  }
}
