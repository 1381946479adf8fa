import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '@millrace/sdk'
import pg from 'pg'
import { migrate } from './migrate.ts'

/** Milliseconds that a statement waits for a database that went away, before it gives up. */
const PATIENCE = 60_000

/**
 * TCP notices a vanished peer after hours by default. With these the server drops the session, and with it the
 * locks, of a machine that vanished after about 15 s.
 */
const KEEPALIVE = 'set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 3; set tcp_keepalives_count = 3;'

pg.types.setTypeParser(pg.types.builtins.INT8, Number)
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => Date.parse(text))

/** The database is away, and stayed away. */
export class DatabaseGoneError extends Error {
  override name = 'DatabaseGoneError'
}

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

/** A Postgres with the schema `millrace`, by URL. Statements wait for a database that restarts. */
export class Database {
  readonly url: string
  private readonly pool: pg.Pool
  private readonly options: DatabaseOptions
  private readonly sessions = new Set<Session>()
  private away = false
  private closed = false

  private constructor(url: string, options: DatabaseOptions) {
    this.url = url
    this.options = options
    this.pool = new pg.Pool({ ...clientConfig(url, options.name), max: options.connections ?? 4, idleTimeoutMillis: 0 })
    // A connection that breaks while idle is replaced; the next statement reports it, if it matters.
    this.pool.on('error', () => {})
  }

  /**
   * Connects and brings the schema up to date.
   * @throws UserError when the URL is wrong or nothing answers there
   */
  static async open(url: string, options: DatabaseOptions = {}): Promise<Database> {
    const config = clientConfig(url, options.name)
    const client = new pg.Client(config)
    client.on('error', () => {})
    try {
      await client.connect()
      await migrate(client)
    } catch (error) {
      throw explainConnect(url, error)
    } finally {
      await client.end().catch(() => {})
    }
    return new Database(url, options)
  }

  /**
   * Runs one statement, again where the connection broke: every statement of the engine may be repeated.
   * @throws DatabaseGoneError when the database stays away
   */
  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    options: { name?: string; patience?: number } = {},
  ): Promise<Row[]> {
    const patience = options.patience ?? this.options.patience ?? PATIENCE
    const started = Date.now()
    for (let attempt = 0; ; attempt++) {
      try {
        const config = options.name ? { name: options.name, text, values: [...values] } : { text, values: [...values] }
        const result = await this.pool.query<Row>(config)
        this.reportBack()
        return result.rows
      } catch (error) {
        if (this.closed || !isAway(error)) throw error
        if (Date.now() - started > patience) {
          throw new DatabaseGoneError(`the database at ${place(this.url)} is away: ${messageOf(error)}`)
        }
        this.reportAway(error)
        await sleep(Math.min(1000, 20 * 2 ** attempt))
      }
    }
  }

  /** A connection of its own, for locks that last as long as it does and for notifications. */
  async session(options: SessionOptions): Promise<Session> {
    const { patience = PATIENCE } = this.options
    const session = new Session(this.url, patience, options, () => this.sessions.delete(session))
    this.sessions.add(session)
    await session.connect()
    return session
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await Promise.all([...this.sessions].map((session) => session.close()))
    await this.pool.end().catch(() => {})
  }

  private reportAway(error: unknown): void {
    if (this.away) return
    this.away = true
    this.options.onAway?.(`the database at ${place(this.url)} is away (${messageOf(error)}); waiting for it`)
  }

  private reportBack(): void {
    if (!this.away) return
    this.away = false
    this.options.onAway?.(`the database at ${place(this.url)} is back`)
  }
}

export interface SessionOptions {
  /** Channels to listen to. */
  channels: readonly string[]
  onNotify(channel: string, payload: string): void
  /** Run on every (re)connect, before `onReady`: take locks here. */
  setUp?: (client: pg.Client) => Promise<void>
  /** After every reconnect: notifications may have been missed. */
  onReconnect?: () => void
  /** The database has been away for longer than the patience of {@link DatabaseOptions}; it is still being tried. */
  onGone?: (error: DatabaseGoneError) => void
  name?: string
}

/** One connection that comes back by itself, until it is closed. */
export class Session {
  private client: pg.Client | undefined
  private closed = false
  private readonly url: string
  private readonly patience: number
  private readonly options: SessionOptions
  private readonly onClose: () => void

  constructor(url: string, patience: number, options: SessionOptions, onClose: () => void) {
    this.url = url
    this.patience = patience
    this.options = options
    this.onClose = onClose
  }

  /** Whether the connection stands right now. */
  get connected(): boolean {
    return this.client !== undefined
  }

  async connect(): Promise<void> {
    const client = new pg.Client(clientConfig(this.url, this.options.name))
    client.on('error', () => {})
    client.on('notification', ({ channel, payload }) => this.options.onNotify(channel, payload ?? ''))
    try {
      await client.connect()
      await client.query(
        KEEPALIVE + this.options.channels.map((name) => `listen ${pg.escapeIdentifier(name)};`).join(''),
      )
      await this.options.setUp?.(client)
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    this.client = client
    client.once('end', () => {
      this.client = undefined
      if (!this.closed) this.reconnect()
    })
  }

  private async reconnect(): Promise<void> {
    const since = Date.now()
    let told = false
    for (let attempt = 0; !this.closed; attempt++) {
      try {
        await this.connect()
        this.options.onReconnect?.()
        return
      } catch (error) {
        if (!told && Date.now() - since > this.patience) {
          told = true
          this.options.onGone?.(
            new DatabaseGoneError(`the database at ${place(this.url)} is away: ${messageOf(error)}`),
          )
        }
        await sleep(Math.min(1000, 20 * 2 ** attempt))
      }
    }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    this.onClose()
    await this.client?.end().catch(() => {})
  }
}

/** Host, port and name of a database, without user and password: for messages. */
export function place(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url)
    return `${hostname || 'localhost'}:${port || 5432}${pathname}`
  } catch {
    return 'the given URL'
  }
}

function clientConfig(url: string, name = 'millrace'): pg.ClientConfig {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new UserError(
      `the database URL must start with postgres://, got "${url.replace(/\/\/[^@/]*@/, '//…@').slice(0, 60)}"`,
    )
  }
  return {
    connectionString: url,
    application_name: name,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
    options: '-c search_path=millrace -c jit=off -c client_min_messages=warning',
  }
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error
    ? error.message || String((error as { code?: unknown }).code ?? error.name)
    : String(error)
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return String((error as { code?: unknown } | undefined)?.code ?? '')
}

/** Shutting down, starting up, too many clients, and everything that breaks a connection. */
function isAway(error: unknown): boolean {
  const code = codeOf(error)
  if (
    /^(57P0[123]|53300|08...|E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND))$/.test(
      code,
    )
  ) {
    return true
  }
  return /Connection terminated|connection timeout|not queryable|Client has encountered a connection error/i.test(
    messageOf(error),
  )
}

function explainConnect(url: string, error: unknown): Error {
  const code = codeOf(error)
  const at = place(url)
  if (error instanceof UserError) return error
  if (code === 'ECONNREFUSED') return new UserError(`no database answers at ${at}`, 'Is it running? Is the port right?')
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return new UserError(`the database host of ${at} is not known`)
  if (code === '28P01' || code === '28000') return new UserError(`the database at ${at} refuses this user or password`)
  if (code === '3D000') return new UserError(`there is no database of that name at ${at}`)
  if (code === '42501')
    return new UserError(`the user may not create the schema millrace in ${at}: ${messageOf(error)}`)
  if (isAway(error) || /SASL|password/.test(messageOf(error))) {
    return new UserError(`cannot connect to the database at ${at}: ${messageOf(error)}`)
  }
  return error instanceof Error ? error : new Error(String(error))
}
