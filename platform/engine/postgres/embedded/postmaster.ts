import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server as its own file postmaster.pid describes it. */
export interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly state: 'starting' | 'ready' | 'stopping'
}

/** What postmaster.pid in `data` says, be it true or left over. */
export function readPostmaster(data: string): Postmaster | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw error
  }
  // pid, data folder, start time, port, socket folder, address, shared memory, state: src/include/utils/pidfile.h
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  const state = lines[7]?.trim()
  return { pid, port, state: state === 'ready' || state === 'stopping' ? state : 'starting' }
}

/** Whether the process `pid` exists, whatever it may be. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Sends a signal to a process that may have ended by itself meanwhile. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/**
 * Whether the process `pid` works in the folder `data`, as a server of it does all its life; a process that merely
 * got its number later does not. Undefined where the system does not tell (it takes Linux, and the right to look).
 */
export function worksIn(pid: number, data: string): boolean | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const [there, here] = [statSync(`/proc/${pid}/cwd`), statSync(data)]
    return there.ino === here.ino && there.dev === here.dev
  } catch (error) {
    // A zombie has no folder any more: ENOENT too.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ENOENT' || code === 'ESRCH' ? false : undefined
  }
}

/** Whether the process `pid` is some Postgres. Undefined where the system does not tell. */
export function isPostgres(pid: number): boolean | undefined {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres'
  } catch {
    return false // gone
  }
  const listed = spawnSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8' })
  return listed.error === undefined ? listed.stdout.trim().endsWith('postgres') : undefined
}

/** Waits until `condition` holds, looking every few milliseconds. */
export async function until(condition: () => boolean, milliseconds = Number.POSITIVE_INFINITY): Promise<boolean> {
  const deadline = Date.now() + milliseconds
  while (!condition()) {
    if (Date.now() > deadline) return false
    await sleep(3)
  }
  return true
}

/** Blocks this thread: for the end of a process, where nothing can be waited for. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
