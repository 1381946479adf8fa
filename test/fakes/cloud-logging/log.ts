import { bodyOf, type Json, json, refuse } from '../google-cloud/answers.ts'
import type { Answer, Ask } from '../serve.ts'
import { matches, parseFilter } from './filter.ts'

export interface LogEntry {
  readonly logName: string
  readonly resource: { readonly type: string; readonly labels: Readonly<Record<string, string>> }
  readonly labels?: Readonly<Record<string, string>>
  readonly textPayload?: string
  readonly jsonPayload?: Json
}

/**
 * Cloud Logging of a project, as far as entries are read: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
 * Entries outlive what they are of.
 */
export class CloudLog {
  readonly #project: string
  readonly #entries: (LogEntry & { readonly timestamp: string; readonly insertId: string })[] = []

  constructor(project: string) {
    this.#project = project
  }

  /** A line that a program printed; a JSON object becomes a structured payload, as the agents of Google do it. */
  write(entry: Omit<LogEntry, 'textPayload' | 'jsonPayload'>, line: string): void {
    const object = objectIn(line)
    this.add({ ...entry, ...(object ? { jsonPayload: object } : { textPayload: line }) })
  }

  add(entry: LogEntry): void {
    const insertId = String(this.#entries.length).padStart(12, '0')
    this.#entries.push({ ...entry, insertId, timestamp: new Date().toISOString() })
  }

  answer(ask: Ask): Answer {
    if (ask.method !== 'POST' || ask.url.pathname !== '/logging.googleapis.com/v2/entries:list') {
      return { status: 404, body: '<html>Not Found</html>' }
    }
    const {
      resourceNames = [],
      filter = '',
      orderBy,
      pageSize = 50,
      pageToken,
    } = bodyOf(ask) as {
      resourceNames?: string[]
      filter?: string
      orderBy?: string
      pageSize?: number
      pageToken?: string
    }
    if (!resourceNames.includes(`projects/${this.#project}`)) {
      return refuse(403, 'PERMISSION_DENIED', `Permission denied on one of ${resourceNames}`)
    }
    const comparisons = parseFilter(filter)
    if (!comparisons) return refuse(400, 'INVALID_ARGUMENT', `Unparseable filter: ${filter}`)
    const found = this.#entries.filter((entry) => comparisons.every((each) => matches(entry, each)))
    if (orderBy === 'timestamp desc') found.reverse()
    // The first page of a search that takes long is empty, and others follow it.
    if (pageToken === undefined && found.length > 0) return json({ nextPageToken: '0' })
    const from = Number(pageToken ?? 0)
    const next = from + pageSize
    return json({ entries: found.slice(from, next), ...(next < found.length && { nextPageToken: String(next) }) })
  }
}

function objectIn(line: string): Json | undefined {
  try {
    const read: unknown = JSON.parse(line)
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as Json) : undefined
  } catch {
    return undefined
  }
}
