import { readdirSync, readFileSync } from 'node:fs'
import { UserError } from '@millrace/sdk'
import type { Client } from 'pg'
import { digest } from '../values/codec.ts'
import { grantRights } from './rights.ts'

const FOLDER = new URL('./migrations/', import.meta.url)
/** Any number that nothing else in this database locks. */
const LOCK = 7_151_001

/**
 * Brings the schema `millrace` of a database up to date: each file of `migrations/` once, in order of name,
 * all in one transaction. Several processes may call it at once.
 * @returns the names of the files that were run
 * @throws UserError when the database was made by a newer version
 */
export async function migrate(client: Client): Promise<string[]> {
  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => ({ name, sql: readFileSync(new URL(name, FOLDER), 'utf8') }))
  if (await isCurrent(client, files)) return []
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK])
    await client.query('create schema if not exists millrace')
    await client.query(
      'create table if not exists millrace.migration (name text primary key, digest text not null, ran timestamptz not null default now())',
    )
    const done = await client.query<{ name: string; digest: string }>('select name, digest from millrace.migration')
    const known = new Map(done.rows.map((row) => [row.name, row.digest]))
    const ran: string[] = []
    for (const { name, sql } of files) {
      const before = known.get(name)
      known.delete(name)
      if (before === digest(sql)) continue
      if (before !== undefined) {
        throw new UserError(`the database was made with another version of migration ${name}; migrations never change`)
      }
      await client.query(`set local search_path to millrace; ${sql}`)
      await client.query('insert into millrace.migration (name, digest) values ($1, $2)', [name, digest(sql)])
      ran.push(name)
    }
    const [newer] = known.keys()
    if (newer !== undefined) {
      throw new UserError(`the database has the migration ${newer}, which this version does not know: update Millrace`)
    }
    if (ran.length > 0) await grantRights(client)
    await client.query('commit')
    return ran
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function isCurrent(client: Client, files: readonly { name: string; sql: string }[]): Promise<boolean> {
  const exists = await client.query<{ yes: boolean }>("select to_regclass('millrace.migration') is not null as yes")
  if (!exists.rows[0]?.yes) return false
  const done = await client.query<{ name: string; digest: string }>('select name, digest from millrace.migration')
  const known = new Map(done.rows.map((row) => [row.name, row.digest]))
  return known.size === files.length && files.every(({ name, sql }) => known.get(name) === digest(sql))
}
