import { hostname } from 'node:os'
import type { Database } from '../postgres/database.ts'
import { CHANNEL, LOCK_CLASS, locked } from '../postgres/locks.ts'
import { withoutNulls } from '../postgres/run-row.ts'
import { endOwnGhost } from '../postgres/take-run.ts'
import { VERSION } from '../version.ts'

export interface NewAgent {
  readonly name: string
  readonly launcher: string
  /** Where its jobs are: agents of one place see the same jobs. */
  readonly place: string
  readonly labels: readonly string[]
  readonly exclusive: boolean
  /** Most runs at once. */
  readonly limit: number
  readonly stack: string
  /**
   * A run is over; or, with none named, runs may wait, there may be room for them, or somebody is to be told of an end.
   * After a reconnect it is called once, with none: news may have been missed.
   */
  readonly onNews?: (over: string | undefined) => void
}

export interface AgentRegistration {
  readonly id: number
  /** Aborted when it does not count as alive any more, because another connection holds its number. */
  readonly lost: AbortSignal
  /** Writes down how it is, in a moment; not while the database is away. */
  set(state: { readonly state?: 'alive' | 'draining'; readonly going?: number }): void
  /** It is gone, and said so. */
  close(): Promise<void>
}

/** An agent as `millrace agents` shows it. Times are milliseconds since the epoch, ages milliseconds. */
export interface AgentRow {
  readonly id: number
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly launcher: string
  readonly place: string
  readonly labels: readonly string[]
  readonly exclusive: boolean
  readonly limit: number
  readonly stack: string
  readonly version: string
  /** `vanished`: its connection is gone, and it did not say goodbye. */
  readonly state: 'alive' | 'draining' | 'vanished' | 'stopped'
  readonly isAlive: boolean
  /** Runs that it has launched or is launching. */
  readonly going: number
  readonly started: number
  /** How long ago it was heard of. */
  readonly seenAgo: number
}

const OVER = 'over '
/** How often an agent is written down as seen (ms). Whether it is alive, its lock says, not this. */
const SEEN_EVERY = 10_000
/** How long (ms) an agent that is gone is still shown. */
const SHOWN_FOR = 24 * 60 * 60_000

/** Makes an agent known; it is alive for as long as this process keeps its connection, or gets it back. */
export async function registerAgent(database: Database, agent: NewAgent): Promise<AgentRegistration> {
  const lost = new AbortController()
  const connection = `millrace agent ${agent.name}`
  let id: number | undefined
  const session = await database.session({
    channels: [CHANNEL.dispatch],
    name: connection,
    onNotify: (_channel, payload) => agent.onNews?.(payload.startsWith(OVER) ? payload.slice(OVER.length) : undefined),
    onReconnect: () => agent.onNews?.(undefined),
    setUp: async (client, before) => {
      if (id === undefined) {
        const { rows } = await client.query<{ id: number }>(
          `with made as (
             insert into agent (name, host, pid, launcher, place, labels, exclusive, most, stack, version)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, '${VERSION}') returning id)
           select id, pg_advisory_lock(${LOCK_CLASS.agent}, id) from made`,
          [
            agent.name,
            hostname(),
            process.pid,
            agent.launcher,
            agent.place,
            agent.labels,
            agent.exclusive,
            agent.limit,
            agent.stack,
          ],
        )
        id = rows[0]?.id
        return
      }
      if (before !== undefined) await endOwnGhost(client, before, connection)
      const { rows } = await client.query<{ mine: boolean }>(
        'select pg_try_advisory_lock($1, $2) and exists (select from agent where id = $2 and ended is null) as mine',
        [LOCK_CLASS.agent, id],
      )
      if (!rows[0]?.mine) lost.abort(new Error(`the agent ${agent.name} was taken for gone: its number is another's`))
    },
  })
  const number = id ?? 0
  // One after the other, so that the last word is the last one written.
  let writing: Promise<unknown> = Promise.resolve()
  const write = ({ state, going }: { state?: string; going?: number }): void => {
    writing = writing.then(() =>
      database
        .query(
          `update agent set seen = now(), state = coalesce($2, state), going = coalesce($3, going)
           where id = $1 and ended is null`,
          [number, state ?? null, going ?? null],
          { patience: 0 },
        )
        .catch(() => {}),
    )
  }
  const timer = setInterval(() => write({}), SEEN_EVERY)
  timer.unref()
  return {
    id: number,
    lost: lost.signal,
    set: write,
    close: async () => {
      clearInterval(timer)
      await writing
      await database
        .query(`update agent set state = 'stopped', going = 0, seen = now(), ended = now() where id = $1`, [number], {
          patience: 0,
        })
        // The database is away: it will find the agent vanished, which is as good.
        .catch(() => {})
      await session.close()
    },
  }
}

/** The agents that are alive, and those that were a day ago; oldest first. */
export async function agents(database: Database): Promise<AgentRow[]> {
  const rows = await database.query(
    `select id, name, host, pid, launcher, place, labels, exclusive, most as limit, stack, version, going, started,
       case when ended is not null then 'stopped' when is_held then state else 'vanished' end as state,
       ended is null and is_held as "isAlive", (extract(epoch from now() - seen) * 1000)::float8 as "seenAgo"
     from (select *, id = any(${locked('agent')}) as is_held from agent where seen > now() - $1 * interval '1 ms') a
     order by id`,
    [SHOWN_FOR],
  )
  return rows.map((row) => withoutNulls(row) as unknown as AgentRow)
}
