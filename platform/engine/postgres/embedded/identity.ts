import { isAlive, isPostgres, type Postmaster, worksIn } from './postmaster.ts'

/** Name of the superuser and of the database that the engine uses. */
export const USER = 'millrace'
export const DATABASE = 'postgres'

/** The URL of the server on `port`. It holds the password: never part of a message. */
export function urlOf(port: number, password: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`
}

/**
 * Whether the process that postmaster.pid names is alive and really serves `data`: after a crash or a restart of
 * the machine its number may belong to something else.
 */
export async function serves(postmaster: Postmaster, data: string, password: string): Promise<boolean> {
  if (!isAlive(postmaster.pid)) return false
  const works = worksIn(postmaster.pid, data)
  if (works !== undefined) return works
  if (isPostgres(postmaster.pid) === false) return false
  return postmaster.state !== 'ready' || (await knowsPassword(postmaster.port, password))
}

/** Logging in proves who is there as well: with SCRAM the server has to show that it knows the password too. */
async function knowsPassword(port: number, password: string): Promise<boolean> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: urlOf(port, password), connectionTimeoutMillis: 5000 })
  client.on('error', () => undefined) // it went away again, which the next use will tell
  try {
    await client.connect()
    return true
  } catch (error) {
    // "cannot connect now" and "too many connections": a busy server, where we left ours.
    return error instanceof Error && 'code' in error && (error.code === '57P03' || error.code === '53300')
  } finally {
    await client.end().catch(() => undefined)
  }
}
