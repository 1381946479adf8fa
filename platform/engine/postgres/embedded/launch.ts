import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
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
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '@millrace/sdk'
import { commandAs, placeFor } from './account.ts'
import { type Installation, program } from './installation.ts'
import { isAlive, isPostgres, type Postmaster, readPostmaster, until, worksIn } from './postmaster.ts'
import { serverEnvironment } from './program.ts'
import { settings } from './settings.ts'
import { endOrphans } from './shutdown.ts'

/** More than this in postgres.log at a start, and it becomes postgres.log.1. */
const LOG_LIMIT = 10_000_000
/** How long left-overs of a killed server may hold up a new one: longer than they take to notice (settings.ts, 10 s). */
const PATIENCE = 15_000
/** How many ports may turn out to be taken. */
const PORTS = 20

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
  writeFileSync(join(folder, 'place'), thisPlace())
  const deadline = Date.now() + PATIENCE
  let chosen = port ?? rememberedPort(folder) ?? randomPort()
  for (let taken = 0; ; ) {
    const log = openLog(folder)
    const server = start(installation, data, chosen, log.descriptor)
    closeSync(log.descriptor)
    const slow = setTimeout(() => onProgress?.('Postgres is recovering from an abrupt end'), 2000)
    const ready = await untilReady(server, data)
    clearTimeout(slow)
    if (typeof ready !== 'string') {
      writeFileSync(join(folder, 'port'), String(chosen))
      return ready
    }
    const said = readFileSync(join(folder, 'postgres.log')).subarray(log.size).toString().trim()
    if (said.includes('could not create any TCP/IP sockets') && ++taken < PORTS) {
      if (port !== undefined) throw new UserError(`port ${port} of 127.0.0.1 is taken`, 'Choose another, or none.')
      chosen = randomPort()
    } else if (meetsLeftOvers(said) && Date.now() < deadline) {
      await sleep(20)
    } else {
      const reason = [ready, ...said.split('\n').slice(-8)].join('\n')
      throw new UserError(`the embedded Postgres in ${folder} did not start (log: postgres.log there)`, reason)
    }
  }
}

/** Whether Postgres declined because a killed server's processes have not all ended yet. */
function meetsLeftOvers(said: string): boolean {
  return said.includes('pre-existing shared memory') || said.includes('lock file "postmaster.pid" already exists')
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

function rememberedPort(folder: string): number | undefined {
  const path = join(folder, 'port')
  return existsSync(path) ? Number(readFileSync(path, 'utf8')) || undefined : undefined
}

/**
 * A port to be remembered, from below the range out of which systems take the ports of outgoing connections (Linux
 * from 32768, macOS and Windows from 49152): otherwise any of those could occupy it at the next start.
 */
function randomPort(): number {
  return randomInt(20_000, 32_768)
}
