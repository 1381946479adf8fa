import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '@millrace/sdk'
import { commandAs, placeFor } from './account.ts'
import { findInstallation, type Installation, program } from './installation.ts'
import { isFree, pickPort } from './port.ts'
import { isAlive, isPostgres, type Postmaster, pause, readPostmaster, until, worksIn } from './postmaster.ts'
import { run, serverEnvironment } from './program.ts'
import { settings } from './settings.ts'

/** More than this in postgres.log at a start, and it becomes postgres.log.1. */
const LOG_LIMIT = 10_000_000
/** How long left-overs of a killed server may hold up a new one. */
const PATIENCE = 10_000

/**
 * Starts the server of `folder/data`, for which nobody serves now, and waits until it takes connections. It gets the
 * port it had before if that is still free, unless `port` demands one.
 */
export async function launch(
  installation: Installation,
  folder: string,
  { port, onProgress }: { port?: number | undefined; onProgress?: ((text: string) => void) | undefined },
): Promise<Postmaster> {
  const data = join(folder, 'data')
  writeSettings(data)
  await endOrphans(data)
  const deadline = Date.now() + PATIENCE
  let chosen = port ?? (await rememberedPort(folder)) ?? (await pickPort())
  for (;;) {
    const log = openLog(folder)
    const server = start(installation, data, chosen, log.descriptor)
    closeSync(log.descriptor)
    const slow = setTimeout(() => onProgress?.('Postgres is recovering from an abrupt end'), 2000)
    const ready = await untilReady(server, data)
    clearTimeout(slow)
    if (typeof ready !== 'string') {
      writeFileSync(join(folder, 'port'), String(chosen))
      writeFileSync(join(folder, 'place'), thisPlace())
      return ready
    }
    const said = readFileSync(join(folder, 'postgres.log')).subarray(log.size).toString().trim()
    const portIsTaken = said.includes('could not create any TCP/IP sockets')
    if (portIsTaken && port === undefined) chosen = await pickPort()
    else if (portIsTaken) throw new UserError(`port ${port} of 127.0.0.1 is taken`, 'Choose another, or none.')
    else if (/pre-existing shared memory|lock file "postmaster.pid" already exists/.test(said) && Date.now() < deadline)
      await sleep(20)
    else {
      const reason = [ready, ...said.split('\n').slice(-8)].join('\n')
      throw new UserError(`the embedded Postgres in ${folder} did not start (log: postgres.log there)`, reason)
    }
  }
}

/**
 * Whether the server of `folder` was last started from another container, or outside of this one: then its process
 * cannot be seen from here, and postmaster.pid does not tell whether it lives.
 */
export function wasStartedElsewhere(folder: string): boolean {
  if (readPostmaster(join(folder, 'data')) === undefined) return false // it was shut down
  const path = join(folder, 'place')
  return existsSync(path) && readFileSync(path, 'utf8') !== thisPlace()
}

function thisPlace(): string {
  return process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : ''
}

/** Ends the server in the way that loses nothing and breaks off what runs, and waits until it is gone. */
export async function shutDown(postmaster: Postmaster, folder: string): Promise<void> {
  const data = join(folder, 'data')
  if (process.platform === 'win32') {
    const { bin } = await findInstallation([{ kind: 'self' }], folder)
    await run({ kind: 'self' }, join(bin, program('pg_ctl')), ['stop', '--mode=fast', '--wait', `--pgdata=${data}`])
    return
  }
  process.kill(postmaster.pid, 'SIGINT')
  if (await until(() => !isServing(postmaster, data), 60_000)) return
  process.kill(postmaster.pid, 'SIGQUIT') // at once; what was committed comes back from the log at the next start
  await until(() => !isServing(postmaster, data), 5000)
}

/** As {@link shutDown}, for the last moment of a process: waits only until the server has begun to end. */
export function askToStop(postmaster: Postmaster, data: string): void {
  if (process.platform === 'win32' || !isServing(postmaster, data)) return
  process.kill(postmaster.pid, 'SIGINT')
  for (let tries = 0; tries < 500 && readPostmaster(data)?.state === 'ready'; tries++) pause(1)
}

/** Whether this very server is still there, as far as can be seen without asking it. */
export function isServing(postmaster: Postmaster, data: string): boolean {
  const { pid } = postmaster
  return readPostmaster(data)?.pid === pid && isAlive(pid) && worksIn(pid, data) !== false
}

function start({ bin, account }: Installation, data: string, port: number, log: number): ChildProcess {
  const postgres = ['-D', placeFor(account, data), '-p', String(port)]
  // Only pg_ctl drops an administrator's rights on Windows, where postgres would refuse to have them.
  const pgCtl = ['start', '--no-wait', `--pgdata=${data}`, '-o', `-p ${port}`]
  const onWindows = process.platform === 'win32'
  const command = commandAs(
    account,
    join(bin, program(onWindows ? 'pg_ctl' : 'postgres')),
    onWindows ? pgCtl : postgres,
  )
  // Postgres would take a process that now has the number of the killed server for that server. With this, pg_ctl's
  // way to name its own parent, it does not; it still checks that no process of the old server is left.
  const stale = readPostmaster(data)?.pid
  const recycled = stale !== undefined && isSomethingElse(stale, data) ? { PG_GRANDPARENT_PID: String(stale) } : {}
  const child = spawn(command.file, command.args, {
    ...command.identity,
    cwd: data,
    env: serverEnvironment(recycled),
    detached: true, // a session of its own: Ctrl-C in the terminal is not for the server
    windowsHide: true,
    stdio: ['ignore', log, log],
  })
  child.unref()
  return child
}

/** The server once it takes connections, or how it ended. */
async function untilReady(child: ChildProcess, data: string): Promise<Postmaster | string> {
  let end: string | undefined
  const onWindows = process.platform === 'win32' // there the child is pg_ctl, which ends well
  child.once('error', (error) => {
    end = error.message
  })
  child.once('exit', (code, signal) => {
    if (!onWindows || code !== 0) end = `postgres ended with ${signal ?? `exit code ${code}`}`
  })
  let ready: Postmaster | undefined
  await until(() => {
    const found = readPostmaster(data)
    if (found?.state === 'ready' && (onWindows || found.pid === child.pid)) ready = found
    return ready !== undefined || end !== undefined
  })
  return ready ?? end ?? 'postgres ended'
}

/** Whether a living process is certainly not a server of `data`. */
function isSomethingElse(pid: number, data: string): boolean {
  return isAlive(pid) && (worksIn(pid, data) ?? isPostgres(pid)) === false
}

function writeSettings(data: string): void {
  const path = join(data, 'postgresql.conf')
  if (readFileSync(path, 'utf8') !== settings) writeFileSync(path, settings)
}

/** The log, to be appended to, and its size so far. */
function openLog(folder: string): { descriptor: number; size: number } {
  const path = join(folder, 'postgres.log')
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_LIMIT) renameSync(path, `${path}.1`)
  const descriptor = openSync(path, 'a', 0o600)
  return { descriptor, size: fstatSync(descriptor).size }
}

async function rememberedPort(folder: string): Promise<number | undefined> {
  const port = Number(await readFile(join(folder, 'port'), 'utf8').catch(() => ''))
  return port > 0 && (await isFree(port)) ? port : undefined
}

/**
 * Ends the processes of a server whose head was killed: they work on until they look for it, and as long as one
 * is there Postgres rightly refuses to start another. Nobody can get an answer from them any more.
 */
async function endOrphans(data: string): Promise<void> {
  if (process.platform !== 'linux' || readPostmaster(data) === undefined) return
  const processes = (await readdir('/proc')).map(Number).filter((pid) => pid > 0)
  const orphans = processes.filter((pid) => worksIn(pid, data) && isPostgres(pid))
  for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
    for (const pid of orphans) if (worksIn(pid, data)) process.kill(pid, signal)
    if (await until(() => !orphans.some((pid) => worksIn(pid, data)), 1000)) return
  }
}
