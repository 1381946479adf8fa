import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Hold, tryAlone, tryShared, waitFor } from './lock.ts'
import { type Postmaster, pause } from './postmaster.ts'
import { askToStop, isServing, shutDown } from './shutdown.ts'

/** Whether a server ends with its last user, or stands until somebody who started it so ends it. */
export type Lifetime = 'attached' | 'standing'

/** A process's share in the server of a folder; the server runs as long as there are any. */
export interface Share {
  /** Gives it up, and ends the server if it was the last. */
  leave(): Promise<void>
}

/** Shares of this process, to be given up when it exits without having done so. */
const shares = new Set<() => void>()
process.on('exit', () => {
  for (const leaveAtOnce of shares) leaveAtOnce()
})

/** Locks out everybody else who starts or stops the server of `folder`. */
export function takeTurn(folder: string): Promise<Hold> {
  return waitFor(() => tryTurn(folder), `the lock turn.lock in ${folder}`)
}

/** Whether any process has a share in the server of `folder`. To be asked by whoever has the turn. */
export function isShared(folder: string): boolean {
  const alone = tryAlone(usersOf(folder))
  alone?.release()
  return alone === undefined
}

/** Takes a share in a server that runs. To be called by whoever has the turn. */
export async function takeShare(folder: string, server: Postmaster, lifetime: Lifetime): Promise<Share> {
  const data = join(folder, 'data')
  const standing = join(folder, 'standing')
  const share = await waitFor(() => tryShared(usersOf(folder)), `the lock users.lock in ${folder}`)
  if (lifetime === 'standing') writeFileSync(standing, '')
  shares.add(leaveAtOnce)

  async function leave(): Promise<void> {
    shares.delete(leaveAtOnce)
    const turn = await takeTurn(folder)
    try {
      share.release()
      if (lifetime === 'standing') rmSync(standing, { force: true })
      if (isNeeded() || !isServing(server, data)) return
      await shutDown(server, folder)
    } finally {
      turn.release()
    }
  }

  // A process that exits cannot wait for the server to end, but must not go before it has begun to: whoever starts
  // next would attach to it. Nor can it wait long for its turn; a server left over is found by the next start.
  function leaveAtOnce(): void {
    let turn = tryTurn(folder)
    for (let tries = 0; turn === undefined && tries < 100; tries++) {
      pause(2)
      turn = tryTurn(folder)
    }
    share.release()
    if (turn !== undefined && !isNeeded()) askToStop(server, data)
    turn?.release()
  }

  function isNeeded(): boolean {
    return existsSync(standing) || isShared(folder)
  }

  let left: Promise<void> | undefined
  return {
    leave() {
      left ??= leave()
      return left
    },
  }
}

function tryTurn(folder: string): Hold | undefined {
  return tryAlone(join(folder, 'turn.lock'))
}

function usersOf(folder: string): string {
  return join(folder, 'users.lock')
}
