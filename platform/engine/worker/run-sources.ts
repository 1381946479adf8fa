import type { FlowSource } from '../flow-source.ts'
import type { Database } from '../postgres/database.ts'
import { runFacts } from '../postgres/queue.ts'
import { scratchUrl } from '../run/scratch.ts'
import type { RunFacts } from '../slots/call.ts'

const REMEMBERED = 100

/** A run as a worker must know it: what its tasks can ask about it, and where its code is. */
export interface RunSource {
  readonly facts: RunFacts
  readonly source: FlowSource
}

/** The runs of which a worker has had tasks. */
export class RunSources {
  private readonly database: Database
  private readonly root: string
  private readonly bring: ((source: FlowSource) => Promise<void>) | undefined
  private readonly known = new Map<number, RunSource>()

  /** @param bring brings the code of a run to where its source says that it is; code is there already when left out */
  constructor(database: Database, root: string, bring?: (source: FlowSource) => Promise<void>) {
    this.database = database
    this.root = root
    this.bring = bring
  }

  /** What is known without asking. */
  peek(run: number): RunSource | undefined {
    return this.known.get(run)
  }

  /** @param attempt of the run: the facts of another one are asked for anew */
  async get(run: number, attempt: number): Promise<RunSource> {
    const known = this.known.get(run)
    if (known && known.facts.attempt === attempt) return known
    const found = await runFacts(this.database, run)
    if (!found?.source) throw new Error(`run ${run} does not say where its flow is`)
    const facts = { ...found.facts, scratch: scratchUrl(this.root, found.facts.id, found.store) }
    const source = { facts, source: found.source as FlowSource }
    await this.bring?.(source.source)
    this.known.set(run, source)
    const [oldest] = this.known.keys()
    if (this.known.size > REMEMBERED && oldest !== undefined) this.known.delete(oldest)
    return source
  }
}
