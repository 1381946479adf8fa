import { chmodSync, existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '@millrace/sdk'

/** A lock that is held until it is released or its process is gone. */
export interface Hold {
  release(): void
}

// Node has no file locks of its own, but its SQLite does: an open transaction holds a lock of the operating system
// on the file. The system drops it when the process ends in whatever way, kill -9 included, so nobody has to guess
// whether the pid in a left-over lock file still means the process that wrote it. No table is ever made: the file
// stays empty.
const held = new Set<DatabaseSync>() // a collected connection would let go of its lock

/** The lock on `path` for this holder alone, or undefined while anyone else holds it in either way. */
export function tryAlone(path: string): Hold | undefined {
  return hold(path, 'BEGIN EXCLUSIVE')
}

/** A share of the lock on `path`, or undefined while someone holds it alone. */
export function tryShared(path: string): Hold | undefined {
  // A plain BEGIN locks nothing until the first read.
  return hold(path, 'BEGIN; SELECT 1 FROM sqlite_schema')
}

/** Waits for `attempt`, one of the two above, to succeed. `what` names the lock in the error after two minutes. */
export async function waitFor(attempt: () => Hold | undefined, what: string): Promise<Hold> {
  const deadline = Date.now() + 120_000
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    const lock = attempt()
    if (lock !== undefined) return lock
    if (Date.now() > deadline) {
      throw new UserError(
        `${what} has been held by another process for two minutes`,
        'Is that process stopped or stuck?',
      )
    }
    await sleep(pause)
  }
}

function hold(path: string, begin: string): Hold | undefined {
  const isNew = !existsSync(path)
  const connection = new DatabaseSync(path, { timeout: 0 })
  try {
    if (isNew && existsSync(path)) chmodSync(path, 0o600) // whoever can open it can hold it
    connection.exec(begin)
  } catch (error) {
    connection.close()
    if (isBusy(error)) return undefined
    throw error
  }
  held.add(connection)
  return {
    release() {
      if (held.delete(connection)) connection.close()
    },
  }
}

function isBusy(error: unknown): boolean {
  // The low byte of SQLite's extended codes is the plain one; 5 is SQLITE_BUSY.
  return (
    error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === 5
  )
}
