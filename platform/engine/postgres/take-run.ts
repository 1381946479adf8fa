import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '@millrace/sdk'
import type pg from 'pg'
import { isFinalRun, type RunState, runStatesBefore } from '../states.ts'
import { VERSION } from '../version.ts'
import type { Database } from './database.ts'
import { LOCK_CLASS } from './locks.ts'
import { RUN_COLUMNS, type RunRow } from './run-row.ts'

/** The server may need a moment to notice that the driver before is gone: so often (times 25 ms) is it asked. */
const TRIES = 20
/** The machine of the launch before may have vanished without a word; that is seen after 15 s (session.ts). */
const TRIES_OF_LAUNCH = 800

export interface TakeOptions {
  readonly given?: Uint8Array | undefined
  /** The launch that the driver belongs to: refused when the run was launched again, or put back, since. */
  readonly launch?: number | undefined
  /** What the run is called from now on. */
  readonly name?: string | undefined
}

export interface TakenRun {
  readonly row: RunRow
  readonly lost: AbortSignal
  release(): Promise<void>
}

/**
 * Takes up a run as its driver. What an earlier driver left waiting is taken out of the queue: this one asks anew for
 * what its flow calls. What still runs on a worker goes on.
 * @throws UserError when another driver has it, its state does not allow it, or its launch is over
 */
export async function takeRun(
  database: Database,
  no: number,
  id: string,
  { given, launch, name }: TakeOptions,
): Promise<TakenRun> {
  const lost = new AbortController()
  let taken: RunRow | undefined
  const session = await database.session({
    channels: [],
    name: `millrace driver ${id}`,
    onNotify: () => {},
    setUp: async (client, before) => {
      if (before !== undefined) await endOwnGhost(client, before, `millrace driver ${id}`)
      if (await lock(client, no, taken || launch === undefined ? TRIES : TRIES_OF_LAUNCH)) {
        if (taken && !(await takeUpAgain(client, taken))) lost.abort(takenOver(id))
      } else if (!taken) throw await alreadyDriven(client, no, id)
      else lost.abort(takenOver(id))
    },
  })
  try {
    const [row] = await database.query<RunRow>(
      `with taken as (
         update flow_run set state = 'Running', attempt = attempt + 1, driver = $2, driver_missing = null,
           version = '${VERSION}', given = $4, started = coalesce(started, now()), ended = null, message = null, failure = null,
           name = coalesce($6, name), store = case when attempt = 0 then $7 else store end
         where no = $1 and state = any($3) and ($5::int is null or launch = $5 and state <> 'Scheduled' and exists (
           select from ledger l where l.run = no and l.launch = $5 and l.ended is null))
         returning ${RUN_COLUMNS}),
       left_over as (
         update task_run t set state = 'Cancelled', ended = now()
         from taken where taken.attempt > 1 and t.run = taken.no and t.ended is null
           and (t.state = 'Pending' or t.state = 'Running' and not exists (
             select from worker w where w.id = t.worker and w.state in ('alive', 'draining'))))
       select * from taken`,
      [
        no,
        `${hostname()}:${process.pid}`,
        [...runStatesBefore('Running'), 'Running'],
        given ?? null,
        launch ?? null,
        name ?? null,
        process.env.MILLRACE_STORE || null,
      ],
    )
    if (!row) throw await notToBeStarted(database, no, id, launch)
    taken = row
    return { row, lost: lost.signal, release: () => session.close() }
  } catch (error) {
    await session.close()
    throw error
  }
}

async function notToBeStarted(database: Database, no: number, id: string, launch?: number): Promise<UserError> {
  const [found] = await database.query<{ state: RunState; launch: number }>(
    'select state, launch from flow_run where no = $1',
    [no],
  )
  if (found && launch !== undefined && !isFinalRun(found.state)) {
    const now = found.launch === launch ? 'it was put back into its queue' : `it is at launch ${found.launch}`
    return new UserError(`run ${id} is not for launch ${launch} any more (${now}): it is left alone`)
  }
  return new UserError(`run ${id} is ${found?.state ?? 'gone'}: it cannot be started`)
}

async function lock(client: pg.Client, no: number, most: number): Promise<boolean> {
  for (let tries = 0; ; tries++) {
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1, $2) as got', [
      LOCK_CLASS.driver,
      no,
    ])
    if (rows[0]?.got) return true
    if (tries >= most) return false
    await sleep(25)
  }
}

/**
 * The run was this driver's until its connection broke. Meanwhile it may have been given up as Crashed; or it waits to be
 * launched again, and is not this driver's any more.
 */
async function takeUpAgain(client: pg.Client, { no, attempt, launch }: RunRow): Promise<boolean> {
  const { rows } = await client.query(
    `update flow_run set driver_missing = null, ended = null,
       message = case when state = 'Crashed' then null else message end,
       state = case when state = 'Crashed' then 'Running' else state end
     where no = $1 and attempt = $2 and launch = $3
       and state not in ('Completed', 'Failed', 'Cancelled', 'Scheduled', 'Pending') returning no`,
    [no, attempt, launch],
  )
  return rows.length > 0
}

async function alreadyDriven(client: pg.Client, no: number, id: string): Promise<UserError> {
  const { rows } = await client.query<{ driver: string }>('select driver from flow_run where no = $1', [no])
  return new UserError(`run ${id} is already driven by ${rows[0]?.driver ?? 'another process'}`)
}

function takenOver(id: string): Error {
  return new Error(`run ${id} was taken over by another driver while this one had no connection`)
}

/**
 * Ends the server's side of this process's own former connection, which the server may not know to be broken.
 * @param name of the connection, lest it be somebody else's by now
 */
export async function endOwnGhost(client: pg.Client, backend: number, name: string): Promise<void> {
  await client.query(
    'select pg_terminate_backend(pid, 500) from pg_stat_activity where pid = $1 and application_name = $2',
    [backend, name.slice(0, 63)],
  )
}
