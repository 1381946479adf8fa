import { LOG_LEVELS, UserError } from '@millrace/sdk'
import { isFinalRun, runStatesBefore, type TaskState } from '../states.ts'
import { ambiguous } from './ambiguous.ts'
import { newRunId } from './run-id.ts'
import type { FlowRun, NewLog, NewRun, RunEvent, RunStore, StoredLog, TaskCounts, TaskRecord } from './run-store.ts'

interface Held {
  run: FlowRun
  lease: AbortController | undefined
  readonly tasks: Map<number, TaskRecord>
  readonly counts: Record<string, Partial<Record<TaskState, number>>>
  readonly logs: StoredLog[]
  resultBytes: number
  readonly listeners: Set<(event: RunEvent) => void>
}

export interface MemoryStoreOptions {
  /** Most results kept for one run, in bytes; further ones are forgotten, their states are not. @default 64 MiB */
  resultBytes?: number
  /** Most task runs kept in detail for one run; of further ones only the counts are. @default 20000 */
  taskRuns?: number
  /** Most log lines kept for one run; the oldest go first. @default 20000 */
  logLines?: number
}

/** A run store in this process: what a plain `millrace run` uses. Its memory is bounded, also for a run of a million tasks. */
export function memoryStore(options: MemoryStoreOptions = {}): RunStore {
  const { resultBytes = 64 * 2 ** 20, taskRuns = 20_000, logLines = 20_000 } = options
  const runs = new Map<string, Held>()
  const results = new Map<string, { bytes: Uint8Array; expires: number }>()
  let logId = 0

  const held = (id: string): Held => {
    const found = runs.get(id)
    if (!found) throw new Error(`there is no run ${id}`)
    return found
  }
  const update = (entry: Held, change: Partial<FlowRun>): FlowRun => {
    entry.run = { ...entry.run, ...change }
    for (const listener of entry.listeners) listener('state')
    return entry.run
  }

  return {
    kind: 'memory',
    durable: false,

    async createRun(run: NewRun) {
      const id = newRunId()
      const created: FlowRun = { labels: [], ...run, id, state: 'Pending', attempt: 0, created: Date.now() }
      runs.set(id, {
        run: created,
        lease: undefined,
        tasks: new Map(),
        counts: {},
        logs: [],
        resultBytes: 0,
        listeners: new Set(),
      })
      return created
    },

    async findRun(id) {
      const exact = runs.get(id)
      if (exact) return exact.run
      const found = [...runs.keys()].filter((key) => id !== '' && key.startsWith(id))
      if (found.length > 1) throw ambiguous(id, found)
      return found[0] === undefined ? undefined : runs.get(found[0])?.run
    },

    async listRuns(filter = {}) {
      const { limit = 50, after } = filter
      const matching = [...runs.values()]
        .map(({ run }) => run)
        .reverse()
        .filter(
          (run) =>
            (filter.flow === undefined || run.flow === filter.flow) &&
            (filter.deployment === undefined || run.deployment === filter.deployment) &&
            (filter.queue === undefined || run.queue === filter.queue) &&
            (filter.label === undefined || run.labels.includes(filter.label)) &&
            (filter.states === undefined || filter.states.includes(run.state)) &&
            (filter.since === undefined || run.created >= filter.since),
        )
      const start = after === undefined ? 0 : matching.findIndex((run) => run.id === after) + 1
      const page = matching.slice(start, start + limit)
      const last = page.at(-1)
      return start + limit < matching.length && last ? { runs: page, next: last.id } : { runs: page }
    },

    async setState(id, state, more = {}) {
      const entry = held(id)
      const { message, failure, attempt } = more
      if (attempt !== undefined && attempt !== entry.run.attempt) return undefined
      const isRepeated = entry.run.state === state && entry.run.message === message
      const isGivenUp = attempt !== undefined && entry.run.state === 'Crashed'
      if (!isRepeated && !isGivenUp && !runStatesBefore(state).includes(entry.run.state)) return undefined
      const ended = isFinalRun(state) ? Date.now() : undefined
      return update(entry, { state, message, failure, ended })
    },

    async reopen(id, source) {
      const entry = held(id)
      if (entry.lease || ![...runStatesBefore('Retrying'), 'Retrying'].includes(entry.run.state)) return undefined
      return update(entry, { state: 'Retrying', message: undefined, failure: undefined, ended: undefined, source })
    },

    async takeRun(id, _given, _launch, name) {
      const entry = held(id)
      if (entry.lease) throw new UserError(`run ${id} is already driven by ${entry.run.driver}`)
      if (![...runStatesBefore('Running'), 'Running'].includes(entry.run.state)) {
        throw new UserError(`run ${id} is ${entry.run.state}: it cannot be started`)
      }
      const lease = new AbortController()
      entry.lease = lease
      const { started = Date.now(), attempt } = entry.run
      const { store = process.env.MILLRACE_STORE || undefined } = entry.run
      const more = { started, store, driver: `${process.pid}`, ...(name !== undefined && { name }) }
      const run = update(entry, { state: 'Running', attempt: attempt + 1, ...more })
      return {
        run,
        lost: lease.signal,
        release: async () => {
          entry.lease = undefined
        },
      }
    },

    async recordTasks(id, records) {
      const entry = held(id)
      for (const record of records) {
        const before = entry.tasks.get(record.seq)
        entry.counts[record.task] ??= {}
        const counts = entry.counts[record.task] ?? {}
        if (before) counts[before.state] = (counts[before.state] ?? 1) - 1
        counts[record.state] = (counts[record.state] ?? 0) + 1
        const size = record.result?.byteLength ?? 0
        const keep = entry.resultBytes + size <= resultBytes
        if (keep) entry.resultBytes += size
        if (before || entry.tasks.size < taskRuns) {
          entry.tasks.set(record.seq, keep ? record : { ...record, result: undefined })
        }
      }
    },

    async journal(id) {
      return [...held(id).tasks.values()].map(({ seq, key, state, attempt }) => ({
        seq,
        key: Buffer.from(key).toString('hex'),
        state,
        attempt,
      }))
    },

    async results(id, seqs) {
      const { tasks } = held(id)
      const found = new Map<number, Uint8Array>()
      for (const seq of seqs) {
        const result = tasks.get(seq)?.result
        if (result) found.set(seq, result)
      }
      return found
    },

    async taskRuns(id, { states, after = -1, limit = 1000 } = {}) {
      return [...held(id).tasks.values()]
        .filter((task) => task.seq > after && (states === undefined || states.includes(task.state)))
        .sort((a, b) => a.seq - b.seq)
        .slice(0, limit)
        .map(({ key: _key, result: _result, ...task }) => ({ ...task, deaths: [] }))
    },

    async taskCounts(id): Promise<TaskCounts> {
      return structuredClone(held(id).counts)
    },

    async cached(keys) {
      const found = new Map<string, Uint8Array>()
      for (const key of keys) {
        const entry = results.get(key)
        if (entry && entry.expires > Date.now()) found.set(key, entry.bytes)
      }
      return found
    },

    async cache(key, bytes, lifetime) {
      results.set(key, { bytes, expires: Date.now() + lifetime })
    },

    async appendLogs(id, lines: readonly NewLog[]) {
      const entry = held(id)
      for (const line of lines) entry.logs.push({ ...line, id: ++logId })
      if (entry.logs.length > logLines) entry.logs.splice(0, entry.logs.length - logLines)
      for (const listener of entry.listeners) listener('logs')
    },

    async logs(id, { after = 0, level = 'debug', limit = 1000 } = {}) {
      const least = LOG_LEVELS.indexOf(level)
      return held(id)
        .logs.filter((line) => line.id > after && LOG_LEVELS.indexOf(line.level) >= least)
        .slice(0, limit)
    },

    async listen(id, listener) {
      const { listeners } = held(id)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    async prune(before, { dryRun = false } = {}) {
      const old = [...runs.values()].filter(({ run }) => run.ended !== undefined && run.ended < before)
      if (!dryRun) for (const { run } of old) runs.delete(run.id)
      return old.map(({ run }) => run.id)
    },

    async close() {},
  }
}
