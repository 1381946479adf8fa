import { hostname } from 'node:os'
import type pg from 'pg'
import { LOCK_CLASS } from '../postgres/locks.ts'
import { endOwnGhost } from '../postgres/take-run.ts'
import { VERSION } from '../version.ts'

export interface Registration {
  readonly name: string
  readonly slots: number
  readonly labels: readonly string[]
  readonly pool: string | null
  readonly state: 'alive' | 'draining' | 'stopped'
}

/** Makes a worker known, and takes the lock that says it is alive. @returns its number */
export async function register(client: pg.Client, { name, slots, labels, pool, state }: Registration): Promise<number> {
  const { rows } = await client.query<{ id: number }>(
    `with made as (insert into worker (name, host, pid, slots, labels, pool, version, state)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning id)
     select id, pg_advisory_lock($9, id) from made`,
    [name, hostname(), process.pid, slots, labels, pool, VERSION, state, LOCK_CLASS.worker],
  )
  return rows[0]?.id ?? 0
}

/**
 * Takes the lock of a worker again whose connection broke.
 * @param before the server process of that connection
 * @returns false when it was taken for dead meanwhile
 */
export async function reclaim(
  client: pg.Client,
  id: number,
  name: string,
  before: number | undefined,
): Promise<boolean> {
  if (before !== undefined) await endOwnGhost(client, before, connectionName(name))
  const { rows } = await client.query<{ mine: boolean }>(
    `select pg_try_advisory_lock($1, $2)
       and exists (select from worker where id = $2 and state in ('alive', 'draining')) as mine`,
    [LOCK_CLASS.worker, id],
  )
  return rows[0]?.mine ?? false
}

export function connectionName(worker: string): string {
  return `millrace worker ${worker}`
}
