import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { clientConfig, DatabaseGoneError, messageOf, place } from './connection.ts'

/**
 * TCP notices a vanished peer after hours by default. With these the server drops the session, and with it the
 * locks, of a machine that vanished after about 15 s.
 */
const KEEPALIVE = 'set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 3; set tcp_keepalives_count = 3;'
/** How often a session is tried, and how long (ms) it may take to answer: a broken line does not say that it is. */
const PING_EVERY = 5000
const PING_PATIENCE = 10_000

export interface SessionOptions {
  /** Channels to listen to. */
  channels: readonly string[]
  onNotify(channel: string, payload: string): void
  /**
   * Run on every (re)connect, before `onReconnect`: take locks here.
   * @param before the server process of the connection that broke: it may not have noticed yet
   */
  setUp?: (client: pg.Client, before: number | undefined) => Promise<void>
  /** After every reconnect: notifications may have been missed. */
  onReconnect?: () => void
  /** The connection has been away for longer than `patience` (ms); it is still being tried. */
  onGone?: (error: DatabaseGoneError) => void
  patience?: number
  name?: string
}

/** One connection that comes back by itself, until it is closed. */
export class Session {
  private client: pg.Client | undefined
  private backend: number | undefined
  private closed = false
  private ping: NodeJS.Timeout | undefined
  private readonly url: string
  private readonly options: SessionOptions
  private readonly onClose: () => void

  constructor(url: string, options: SessionOptions, onClose: () => void) {
    this.url = url
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
    let ended = false
    client.once('end', () => {
      ended = true
      if (this.client !== client) return
      this.client = undefined
      clearInterval(this.ping)
      if (!this.closed) void this.reconnect()
    })
    try {
      await client.connect()
      const listen = this.options.channels.map((name) => `listen ${pg.escapeIdentifier(name)};`)
      await client.query(KEEPALIVE + listen.join(''))
      await this.options.setUp?.(client, this.backend)
      if (ended || this.closed) throw new Error('Connection terminated')
    } catch (error) {
      await client.end().catch(() => {})
      throw error
    }
    this.client = client
    this.backend = (client as unknown as { processID?: number }).processID
    this.ping = setInterval(() => this.check(client), PING_EVERY)
    this.ping.unref()
  }

  /** Breaks the connection off; it comes back at once, as a new one. */
  async renew(): Promise<void> {
    await this.client?.end().catch(() => {})
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    clearInterval(this.ping)
    this.onClose()
    await this.client?.end().catch(() => {})
  }

  private async reconnect(): Promise<void> {
    const { patience = Number.POSITIVE_INFINITY, onGone, onReconnect } = this.options
    const since = Date.now()
    let isTold = false
    for (let attempt = 0; !this.closed; attempt++) {
      try {
        await this.connect()
        onReconnect?.()
        return
      } catch (error) {
        if (!isTold && Date.now() - since > patience) {
          isTold = true
          onGone?.(new DatabaseGoneError(`the database at ${place(this.url)} is away: ${messageOf(error)}`))
        }
        await sleep(Math.min(1000, 20 * 2 ** attempt))
      }
    }
  }

  private check(client: pg.Client): void {
    const late = setTimeout(() => {
      ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
    }, PING_PATIENCE)
    late.unref()
    client.query('select 1').then(
      () => clearTimeout(late),
      () => clearTimeout(late),
    )
  }
}
