import type { Database } from '../postgres/database.ts'
import { LOCK_CLASS } from '../postgres/locks.ts'

class NotMyTurn extends Error {}

/**
 * Runs `work` while no other process is in the turn of that name, and does nothing where one is. The turn is free again
 * the moment this process, or its connection, is gone; then `signal` is aborted: what goes on after that may happen twice.
 * @returns what `work` gave; undefined when it was not run
 */
export async function withTurn<T>(
  database: Database,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const lost = new AbortController()
  let isMine = false
  try {
    const session = await database.session({
      channels: [],
      name: `millrace turn ${name}`,
      onNotify: () => {},
      setUp: async (client) => {
        if (isMine) return lost.abort(new Error(`the connection that held the turn "${name}" broke`))
        const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1, hashtext($2)) as got', [
          LOCK_CLASS.turn,
          name,
        ])
        isMine = rows[0]?.got ?? false
        if (!isMine) throw new NotMyTurn()
      },
    })
    try {
      return await work(lost.signal)
    } finally {
      await session.close()
    }
  } catch (error) {
    if (error instanceof NotMyTurn) return undefined
    throw error
  }
}
