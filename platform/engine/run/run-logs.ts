import type { LogEntry } from '@millrace/sdk'
import type { NewLog, RunStore } from '../store/run-store.ts'

const WRITE_EVERY = 100
const LARGEST_WRITE = 1000

/** Collects the log lines that a driver writes, and puts them into the run store a few at a time. */
export class RunLogs {
  private readonly run: string
  private readonly store: RunStore
  private readonly onLog: (source: string, entry: LogEntry) => void
  private readonly lines: NewLog[] = []
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<void> = Promise.resolve()

  constructor(run: string, store: RunStore, onLog: (source: string, entry: LogEntry) => void) {
    this.run = run
    this.store = store
    this.onLog = onLog
  }

  /** Shows a line and keeps it. */
  write(source: string, entry: LogEntry): void {
    this.onLog(source, entry)
    this.lines.push({ ...entry, source })
    if (this.lines.length >= LARGEST_WRITE) void this.flush()
    else this.timer ??= setTimeout(() => void this.flush(), WRITE_EVERY)
  }

  /** Shows a line that a worker has kept already. */
  show(source: string, entry: LogEntry): void {
    this.onLog(source, entry)
  }

  /** Resolves when all lines so far are kept, or could not be: a lost log line does not fail a run. */
  flush(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = undefined
    const lines = this.lines.splice(0)
    if (lines.length > 0) {
      this.writing = this.writing.then(() => this.store.appendLogs(this.run, lines)).catch(() => {})
    }
    return this.writing
  }
}
