import { isDeepStrictEqual } from 'node:util'
import { UserError } from '@millrace/sdk'
import type { FlowSource } from '../flow-source.ts'
import type { Database, Query } from '../postgres/database.ts'
import { jsonText } from '../postgres/json.ts'
import { DISPATCH_LOCK, LOCK_CLASS } from '../postgres/locks.ts'
import { nextTimes } from './cron-times.ts'
import type { JobRequest } from './queued-run.ts'

/** A flow as it is deployed: what every run of it starts with, unless the run says otherwise. */
export interface DeploymentRecord {
  /** `hello`, `hello@feature-x`. */
  readonly name: string
  readonly flow: string
  readonly branch?: string
  readonly release?: string
  readonly commit?: string
  readonly description: string
  readonly owner: string
  readonly contact: string
  readonly queue: string
  readonly labels: readonly string[]
  readonly launcher?: string
  readonly params: Readonly<Record<string, unknown>>
  readonly env: string
  readonly source: FlowSource
  readonly job: JobRequest
  /** Milliseconds. */
  readonly timeout?: number
  readonly priority?: number
  readonly schedule?: DeploymentSchedule
}

export interface DeploymentSchedule {
  readonly cron: string
  readonly timezone: string
  /** Above those of the deployment. */
  readonly params: Readonly<Record<string, unknown>>
  readonly paused: boolean
}

/** Names of the deployments that a registration added, changed and took away. */
export interface DeploymentChanges {
  readonly added: string[]
  readonly changed: string[]
  readonly removed: string[]
}

/**
 * Makes the given deployments all that there are. Nothing is written where nothing changed, and several may do it at
 * once. The next time of a schedule is kept unless its cron text or time zone is new, or it was paused; queues that are
 * not there yet are made.
 * @throws UserError naming the deployment whose schedule is not in order, or that is there twice
 */
export async function registerDeployments(
  database: Database,
  all: readonly DeploymentRecord[],
): Promise<DeploymentChanges> {
  const given = all.map((record) => JSON.parse(jsonText(record)) as DeploymentRecord)
  check(given)
  return await database.transaction(
    async (query) => {
      await query('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS.dispatch, DISPATCH_LOCK.deployments])
      const before = await read(query)
      const changes = compareDeployments(before, given)
      const written = new Set([...changes.added, ...changes.changed])
      const records = given.filter(({ name }) => written.has(name))
      if (records.length > 0) await write(query, records, before)
      if (changes.removed.length > 0) {
        await query('update deployment set gone = now() where name = any($1)', [changes.removed])
        await query('delete from schedule where deployment = any($1)', [changes.removed])
      }
      return changes
    },
    { repeat: true },
  )
}

/** What has to be done so that there are the deployments `after` where there are those of `before`. */
export function compareDeployments(
  before: readonly DeploymentRecord[],
  after: readonly DeploymentRecord[],
): DeploymentChanges {
  const old = new Map(before.map((record) => [record.name, record]))
  const names = new Set(after.map(({ name }) => name))
  return {
    added: after.filter(({ name }) => !old.has(name)).map(({ name }) => name),
    changed: after
      .filter((record) => old.has(record.name) && !isDeepStrictEqual(old.get(record.name), record))
      .map(({ name }) => name),
    removed: before.filter(({ name }) => !names.has(name)).map(({ name }) => name),
  }
}

/** All that is deployed now, by name. */
export async function deployments(database: Database): Promise<DeploymentRecord[]> {
  return await read((text, values) => database.query(text, values))
}

export async function findDeployment(database: Database, name: string): Promise<DeploymentRecord | undefined> {
  const [found] = await read((text, values) => database.query(text, values), name)
  return found
}

async function read(query: Query, name?: string): Promise<DeploymentRecord[]> {
  const rows = await query<{ record: Omit<DeploymentRecord, 'schedule'>; schedule: DeploymentSchedule | null }>(
    `select d.record, case when s.deployment is not null then jsonb_build_object(
       'cron', s.cron, 'timezone', s.timezone, 'params', s.params, 'paused', s.paused) end as schedule
     from deployment d left join schedule s on s.deployment = d.name
     where d.gone is null and ($1::text is null or d.name = $1) order by d.name`,
    [name ?? null],
  )
  return rows.map(({ record, schedule }) => ({ ...record, ...(schedule && { schedule }) }))
}

async function write(
  query: Query,
  records: readonly DeploymentRecord[],
  before: readonly DeploymentRecord[],
): Promise<void> {
  await query(
    'insert into work_queue (name) select distinct q from unnest($1::text[]) q on conflict (name) do nothing',
    [records.map(({ queue }) => queue)],
  )
  await query(
    `insert into deployment (name, record) select u ->> 'name', u from jsonb_array_elements($1::jsonb) u
     on conflict (name) do update set record = excluded.record, changed = now(), gone = null`,
    [jsonText(records.map(({ schedule: _schedule, ...record }) => record))],
  )
  const names = records.map(({ name }) => name)
  const scheduled = records.filter(({ schedule }) => schedule).map(({ name }) => name)
  await query('delete from schedule where deployment = any($1) and not deployment = any($2)', [names, scheduled])
  const [clock] = await query<{ now: number }>('select clock_timestamp() as now')
  const old = new Map(before.map(({ name, schedule }) => [name, schedule]))
  for (const { name, schedule } of records) {
    if (!schedule) continue
    const { cron, timezone, params, paused } = schedule
    const known = old.get(name)
    const isKept = known?.cron === cron && known.timezone === timezone && known.paused === paused
    const [next] = paused ? [] : nextTimes(cron, timezone, new Date(clock?.now ?? 0), 1)
    await query(
      `insert into schedule (deployment, cron, timezone, params, paused, next) values ($1, $2, $3, $4, $5, $6)
       on conflict (deployment) do update set cron = excluded.cron, timezone = excluded.timezone,
         params = excluded.params, paused = excluded.paused,
         next = case when $7 then schedule.next else excluded.next end`,
      [name, cron, timezone, jsonText(params), paused, next ?? null, isKept],
    )
  }
}

function check(records: readonly DeploymentRecord[]): void {
  const names = new Set<string>()
  for (const { name, queue, schedule } of records) {
    if (names.has(name)) throw new UserError(`deployment ${name}: there are two of this name`)
    names.add(name)
    if (!/^[a-z][a-z0-9-]{0,49}$/.test(queue)) {
      throw new UserError(`deployment ${name}: queue: expected the name of a queue, such as "default", got "${queue}"`)
    }
    try {
      if (schedule) nextTimes(schedule.cron, schedule.timezone, new Date(0), 1)
    } catch (error) {
      throw new UserError(`deployment ${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
