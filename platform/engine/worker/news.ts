import type { LogEntry, Progress } from '@millrace/sdk'
import type { Database } from '../postgres/database.ts'
import { plainText } from '../postgres/json.ts'
import { CHANNEL } from '../postgres/locks.ts'
import { appendLogLines } from '../postgres/log-lines.ts'
import type { NewLog } from '../store/run-store.ts'

const SEND_EVERY = 100
const MANY_LINES = 2000

/** What tasks say while they run: log lines, which are kept, and progress, of which only the latest counts. */
export class News {
  private readonly database: Database
  private readonly lines = new Map<number, NewLog[]>()
  private readonly progress = new Map<string, { readonly run: number; readonly text: string }>()
  private writing: Promise<void> = Promise.resolve()
  private timer: NodeJS.Timeout | undefined

  constructor(database: Database) {
    this.database = database
  }

  log(run: number, source: string, entry: LogEntry): void {
    const lines = this.lines.get(run) ?? []
    this.lines.set(run, lines)
    lines.push({ ...entry, source })
    if (lines.length === MANY_LINES) void this.send()
    else this.sendSoon()
  }

  setProgress(run: number, seq: number, { done, total, unit }: Progress): void {
    const text = `progress ${seq} ${done} ${total ?? ''} ${plainText(unit ?? '').slice(0, 100)}`
    this.progress.set(`${run}/${seq}`, { run, text })
    this.sendSoon()
  }

  /** Whether a run has lines that are not written yet. */
  has(run: number): boolean {
    return this.lines.has(run) || this.isWriting
  }

  /** Resolves when everything said so far is written. */
  send(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    const lines = [...this.lines]
    this.lines.clear()
    this.sendProgress()
    if (lines.length > 0) {
      this.isWriting = true
      const write = this.writing.then(async () => {
        for (const [run, each] of lines) await appendLogLines(this.database, run, each)
        if (this.writing === write) this.isWriting = false
      })
      this.writing = write
    }
    return this.writing
  }

  private isWriting = false

  private sendSoon(): void {
    this.timer ??= setTimeout(() => void this.send().catch(() => {}), SEND_EVERY)
  }

  private sendProgress(): void {
    if (this.progress.size === 0) return
    const news = [...this.progress.values()]
    this.progress.clear()
    // Old news is no news: it is not sent again.
    this.database
      .query(
        'select pg_notify(channel, text) from unnest($1::text[], $2::text[]) as u (channel, text)',
        [news.map(({ run }) => CHANNEL.run(run)), news.map(({ text }) => text)],
        { patience: 0 },
      )
      .catch(() => {})
  }
}
