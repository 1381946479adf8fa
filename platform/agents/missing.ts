import {
  type AgentRow,
  agents,
  clusterOf,
  type Database,
  databaseTime,
  liveWorkers,
  queueDepth,
} from '@millrace/engine'
import { formatDuration } from '@millrace/sdk'
import { Since } from './since.ts'

/** What should be there, and has not been heard of. */
export interface Missing {
  readonly what: 'agent' | 'worker cluster'
  readonly name: string
  /** A sentence. */
  readonly text: string
}

export interface MissingPatience {
  /** For an agent that is started anew. @default 2 minutes */
  readonly agent: number
  /** For the first worker: it may need a machine. @default 5 minutes */
  readonly workers: number
}

const PATIENCE: MissingPatience = { agent: 120_000, workers: 300_000 }
/** Between two looks (ms), which are a minute apart. */
const LONGEST_GAP = 180_000

/** Looks, again and again, for agents that vanished and for worker clusters without a worker. */
export class MissingWatch {
  private readonly database: Database
  private readonly patience: MissingPatience
  private readonly without = new Map<string, Since>()

  constructor(database: Database, patience: Partial<MissingPatience> = {}) {
    this.database = database
    this.patience = { ...PATIENCE, ...patience }
  }

  async look(): Promise<Missing[]> {
    const [all, { pools }, workers, now] = await Promise.all([
      agents(this.database),
      queueDepth(this.database),
      liveWorkers(this.database),
      databaseTime(this.database),
    ])
    const manned = new Set(workers.map(({ pool }) => pool))
    const without = pools.filter(
      ({ pool, waiting }) => clusterOf(pool) !== undefined && waiting > 0 && !manned.has(pool),
    )
    return [...missingAgents(all, this.patience.agent), ...this.missingWorkers(without, now)]
  }

  private missingWorkers(without: readonly { pool: string | null; waiting: number }[], now: number): Missing[] {
    const waiting = new Map(without.map((each) => [clusterOf(each.pool) ?? '', each.waiting]))
    for (const name of waiting.keys()) if (!this.without.has(name)) this.without.set(name, new Since(LONGEST_GAP))
    return [...this.without].flatMap(([name, since]) => {
      const tasks = waiting.get(name)
      const long = since.look(now, tasks !== undefined)
      if (tasks === undefined) this.without.delete(name)
      if (tasks === undefined || long < this.patience.workers) return []
      const text = `worker cluster ${name} has had no worker for ${formatDuration(long)}, and ${tasks} tasks wait`
      return [{ what: 'worker cluster', name, text }]
    })
  }
}

/**
 * Pure: agents whose connection broke, and in whose place none of the same name has come. One that takes only what is asked
 * of it is somebody's laptop, and may go as it likes.
 */
export function missingAgents(all: readonly AgentRow[], patience = PATIENCE.agent): Missing[] {
  const alive = new Set(all.filter(({ isAlive }) => isAlive).map(({ name }) => name))
  // One that said goodbye after them was the last to be there, and is not missed.
  const latest = new Map(all.map((each) => [each.name, each]))
  return [...latest.values()].flatMap(({ name, state, exclusive, seenAgo, launcher }) => {
    if (state !== 'vanished' || exclusive || alive.has(name) || seenAgo <= patience) return []
    const text = `agent ${name} (${launcher}) has not been heard of for ${formatDuration(seenAgo)}`
    return [{ what: 'agent', name, text }]
  })
}
