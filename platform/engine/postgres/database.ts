import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { holdCloudSql } from './cloud-sql.ts'
import { clientConfig, DatabaseGoneError, explainConnect, isAway, messageOf, place } from './connection.ts'
import { migrate } from './migrate.ts'
import { Session, type SessionOptions } from './session.ts'

export { DatabaseGoneError, place } from './connection.ts'

/** Milliseconds that a statement waits for a database that went away, before it gives up. */
const PATIENCE = 60_000

export interface DatabaseOptions {
  /** Most connections at once, besides sessions. @default 4 */
  connections?: number
  /** Shown by the server beside each connection. @default "millrace" */
  name?: string
  /** Milliseconds to wait for a database that goes away. @default 60000 */
  patience?: number
  /** Called when the database goes away and when it is back. */
  onAway?: (message: string) => void
}

/** Runs one statement, and gives its rows. */
export type Query = <Row extends pg.QueryResultRow = pg.QueryResultRow>(
  text: string,
  values?: readonly unknown[],
) => Promise<Row[]>

/**
 * Milliseconds that a transaction may wait for its own process: one on a machine that vanished holds its locks no longer.
 */
const IDLE_IN_TRANSACTION = 15_000

/** A Postgres with the schema `millrace`, by URL. Statements wait for a database that restarts. */
export class Database {
  readonly url: string
  private readonly pool: pg.Pool
  private readonly options: DatabaseOptions
  private readonly sessions = new Set<Session>()
  private awaySince: number | undefined
  private brokenAt = Number.NEGATIVE_INFINITY
  private closed = false
  private readonly letGo: () => void

  private constructor(url: string, options: DatabaseOptions, letGo: () => void) {
    this.url = url
    this.options = options
    this.letGo = letGo
    this.pool = new pg.Pool({ ...clientConfig(url, options.name), max: options.connections ?? 4, idleTimeoutMillis: 0 })
    // A connection that breaks while idle is replaced; the next statement reports it, if it matters.
    this.pool.on('error', () => {
      this.brokenAt = Date.now()
    })
  }

  /**
   * Connects and brings the schema up to date.
   * @throws UserError when the URL is wrong or nothing answers there
   */
  static async open(url: string, options: DatabaseOptions = {}): Promise<Database> {
    const letGo = await holdCloudSql(url)
    try {
      await prepare(url, options)
      return new Database(url, options, letGo)
    } catch (error) {
      letGo()
      throw error
    }
  }

  /** How long ago (ms) a connection broke last: perhaps because the server was restarted. Infinity when none did. */
  get unbroken(): number {
    return Date.now() - this.brokenAt
  }

  /**
   * Runs one statement, again where the connection broke: it must be such that repeating it does no harm.
   * @throws DatabaseGoneError when the database stays away
   */
  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    options: { name?: string; patience?: number } = {},
  ): Promise<Row[]> {
    return await this.patiently(() => this.queryOnce<Row>(text, values, options.name), options.patience)
  }

  /** Runs one statement once: for those of which, when the connection breaks, it must be known that they may have run. */
  async queryOnce<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    name?: string,
  ): Promise<Row[]> {
    try {
      const config = { text, values: values as unknown[], ...(name !== undefined && { name }) }
      const { rows } = await this.pool.query<Row>(config)
      this.reportBack()
      return rows
    } catch (error) {
      if (isAway(error)) this.brokenAt = Date.now()
      throw error
    }
  }

  /**
   * Runs several statements as one: all of them happen, or none. They see each other; others see them at the end.
   * @param options.repeat do it all again where the connection broke: only where doing it twice does no harm, since of
   *   the last answer that is lost nobody knows whether it was a yes
   * @throws DatabaseGoneError when the database stays away; where it is not repeated, as soon as the connection breaks
   */
  async transaction<T>(work: (query: Query) => Promise<T>, options: { repeat?: boolean } = {}): Promise<T> {
    return await this.patiently(() => this.transactOnce(work), options.repeat ? undefined : 0)
  }

  private async transactOnce<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await this.connect()
    let isUsable = true
    const onError = (): void => {
      isUsable = false
      this.brokenAt = Date.now()
    }
    client.on('error', onError)
    try {
      await client.query(`begin; set local idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION}`)
      const result = await work(
        async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) =>
          (await client.query<Row>(text, values as unknown[])).rows,
      )
      await client.query('commit')
      this.reportBack()
      return result
    } catch (error) {
      if (isAway(error)) onError()
      await client.query('rollback').catch(() => {
        isUsable = false
      })
      throw error
    } finally {
      client.off('error', onError)
      client.release(!isUsable)
    }
  }

  private async connect(): Promise<pg.PoolClient> {
    try {
      return await this.pool.connect()
    } catch (error) {
      if (isAway(error)) this.brokenAt = Date.now()
      throw error
    }
  }

  private async patiently<T>(work: () => Promise<T>, given?: number): Promise<T> {
    const patience = given ?? this.options.patience ?? PATIENCE
    for (let attempt = 0; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (this.closed || !isAway(error)) throw error
        // Counted from when the first statement saw it: they all give up together.
        this.awaySince ??= Date.now()
        if (patience === 0 || Date.now() - this.awaySince > patience) {
          throw new DatabaseGoneError(`the database at ${place(this.url)} is away: ${messageOf(error)}`)
        }
        if (attempt === 0) this.reportAway(error)
        await sleep(Math.min(1000, 20 * 2 ** attempt))
      }
    }
  }

  /**
   * A connection of its own, for locks that last as long as it does and for notifications.
   * @throws DatabaseGoneError when the database stays away
   */
  async session(options: SessionOptions): Promise<Session> {
    const patience = this.options.patience ?? PATIENCE
    const session = new Session(this.url, { patience, ...options }, () => this.sessions.delete(session))
    this.sessions.add(session)
    const started = Date.now()
    for (let attempt = 0; ; attempt++) {
      try {
        await session.connect()
        return session
      } catch (error) {
        const isOver = this.closed || !isAway(error) || Date.now() - started > patience
        if (isOver) {
          await session.close()
          throw error
        }
        await sleep(Math.min(1000, 20 * 2 ** attempt))
      }
    }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await Promise.all([...this.sessions].map((session) => session.close()))
    await this.pool.end().catch(() => {})
    this.letGo()
  }

  private isReported = false

  private reportAway(error: unknown): void {
    if (this.isReported) return
    this.isReported = true
    this.options.onAway?.(`the database at ${place(this.url)} is away (${messageOf(error)}); waiting for it`)
  }

  private reportBack(): void {
    this.awaySince = undefined
    if (!this.isReported) return
    this.isReported = false
    this.options.onAway?.(`the database at ${place(this.url)} is back`)
  }
}

/** Sees that the database answers, and brings the schema up to date. */
async function prepare(url: string, { name }: DatabaseOptions): Promise<void> {
  const client = new pg.Client(clientConfig(url, name))
  client.on('error', () => {})
  try {
    await client.connect()
    await migrate(client)
  } catch (error) {
    throw explainConnect(url, error)
  } finally {
    await client.end().catch(() => {})
  }
}
