import type { Database } from '../postgres/database.ts'
import { lastLogLine, readLogLines } from '../postgres/log-lines.ts'
import type { TaskNews } from './executor.ts'

const PAGE = 1000
/** Lines of tasks are from `name-12`; the driver's own are shown when they are written. */
const OF_A_TASK = /-\d+$/

/** Passes on what the tasks of a run log on the workers, in order, each line once. */
export class ClusterLogs {
  private readonly run: number
  private readonly database: Database
  private readonly news: TaskNews
  private last = 0
  private reading: Promise<void> | undefined
  private again = false

  constructor(run: number, database: Database, news: TaskNews) {
    this.run = run
    this.database = database
    this.news = news
  }

  /** Begins after what earlier attempts at the run have left. */
  async start(): Promise<void> {
    this.last = await lastLogLine(this.database, this.run)
  }

  /** There are new lines. Never rejects: lines that cannot be read now are read with the next. */
  async read(): Promise<void> {
    this.again = true
    this.reading ??= this.readAll().finally(() => {
      this.reading = undefined
    })
    return this.reading
  }

  /** Passes on the rest. */
  async finish(): Promise<void> {
    await this.read()
  }

  private async readAll(): Promise<void> {
    try {
      while (this.again) {
        this.again = false
        const lines = await readLogLines(this.database, this.run, { after: this.last, limit: PAGE })
        for (const { id, source, ...entry } of lines) {
          this.last = id
          if (OF_A_TASK.test(source)) this.news.log(source, entry)
        }
        if (lines.length === PAGE) this.again = true
      }
    } catch {
      // The database is away: whoever needs it says so.
    }
  }
}
