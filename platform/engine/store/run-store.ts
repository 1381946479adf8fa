import type { LogEntry, LogLevel } from '@millrace/sdk'
import type { FlowSource } from '../flow-source.ts'
import type { RunState, TaskState } from '../states.ts'
import type { Failure } from '../values/failure.ts'

export interface NewRun {
  readonly flow: string
  readonly name: string
  readonly params: Readonly<Record<string, unknown>>
  readonly env: string
  readonly executor: string
  readonly labels?: readonly string[]
  readonly source?: FlowSource | undefined
}

/** One run of a flow, as it stands in the store. Times are milliseconds since the epoch. */
export interface FlowRun extends NewRun {
  readonly id: string
  readonly state: RunState
  /** Why it is in this state, in a sentence. */
  readonly message?: string | undefined
  /** How often a driver took it up. */
  readonly attempt: number
  readonly labels: readonly string[]
  /** The process that drives it: `host:pid`. */
  readonly driver?: string | undefined
  readonly failure?: Failure | undefined
  readonly created: number
  readonly started?: number | undefined
  readonly ended?: number | undefined
  /** The deployment that it is of. */
  readonly deployment?: string | undefined
  /** The queue that it waits in, or waited in. Left out, with all that follows, where it never was in one. */
  readonly queue?: string | undefined
  /** Higher ones go first. */
  readonly priority?: number | undefined
  /** Only an agent that launches this way takes it. */
  readonly launcher?: string | undefined
  /** How often an agent launched it. */
  readonly launch?: number | undefined
  readonly notBefore?: number | undefined
  /** Longest time (ms) from when its driver takes it up. */
  readonly timeout?: number | undefined
  readonly release?: string | undefined
  readonly commit?: string | undefined
  /** URL of where its large values and scratch data are: as its first driver was told by `MILLRACE_STORE`. */
  readonly store?: string | undefined
  /** Whose workers take its tasks: `cluster:NAME`, `run:ID`. None: any worker without a pool. */
  readonly pool?: string | undefined
}

/** One task run, without its arguments and result. */
export interface TaskRun {
  /** Number within the flow run, from 0, in order of the calls. */
  readonly seq: number
  readonly task: string
  readonly state: TaskState
  readonly attempt: number
  readonly worker?: string | undefined
  /** Workers that died while they ran it. */
  readonly deaths: readonly string[]
  readonly failure?: Failure | undefined
  readonly created: number
  readonly started?: number | undefined
  readonly ended?: number | undefined
}

/** What the driver writes down of a task run that it ran itself (inline, threads, cache). */
export interface TaskRecord {
  readonly seq: number
  /** Names the call in the journal: task, arguments, occurrence. */
  readonly key: Uint8Array
  readonly task: string
  readonly state: TaskState
  readonly attempt: number
  readonly created: number
  readonly started: number | undefined
  readonly ended: number | undefined
  readonly result: Uint8Array | undefined
  readonly failure: Failure | undefined
}

/** What a restarted driver needs to know of a task run of before. */
export interface JournalEntry {
  readonly seq: number
  /** Hexadecimal. */
  readonly key: string
  readonly state: TaskState
  readonly attempt: number
}

export interface StoredLog extends LogEntry {
  /** Grows with every line of the store. */
  readonly id: number
  /** `flow`, `engine`, or the task that wrote it: `measure-12`. */
  readonly source: string
}

export interface NewLog extends LogEntry {
  readonly source: string
}

export interface RunFilter {
  readonly flow?: string
  readonly states?: readonly RunState[]
  readonly deployment?: string
  readonly queue?: string
  /** One that it has among others. */
  readonly label?: string
  /** Created at or after this time (ms). */
  readonly since?: number
  /** @default 50 */
  readonly limit?: number
  /** The `next` of the page before. */
  readonly after?: string
}

/** Newest first. */
export interface RunPage {
  readonly runs: readonly FlowRun[]
  readonly next?: string
}

/** For each task, how many of its runs are in each state. */
export type TaskCounts = Readonly<Record<string, Readonly<Partial<Record<TaskState, number>>>>>

/** What may be told of a run while it goes. A listener reads what it wants to know; an event says that there is news. */
export type RunEvent = 'state' | 'logs'

/** Why a run is put in a state, and by whom. */
export interface StateChange {
  readonly message?: string
  readonly failure?: Failure
  /** What the flow function returned, encoded. */
  readonly result?: Uint8Array
  /** Said by the driver of this attempt: it holds only while no other has taken up the run, and over `Crashed`. */
  readonly attempt?: number
}

/** A driver's hold on a run: while it lasts, no other driver can take the run. */
export interface RunLease {
  readonly run: FlowRun
  /** Aborted when the hold was lost: another driver, or a person, took the run away. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

/**
 * Where runs, their task runs, results and logs are kept. Two implementations, one conformance suite:
 * memory (a plain `millrace run`) and Postgres.
 */
export interface RunStore {
  readonly kind: 'memory' | 'postgres'
  /** Whether what it holds survives this process: then the journal is worth keeping. */
  readonly durable: boolean

  createRun(run: NewRun): Promise<FlowRun>
  /**
   * @param id the run's id, or a beginning of it that only one run has
   * @throws UserError when several runs begin like this
   */
  findRun(id: string): Promise<FlowRun | undefined>
  listRuns(filter?: RunFilter): Promise<RunPage>
  /**
   * Puts a run in another state.
   * @returns the run, or undefined when its present state does not allow that (see states.ts)
   */
  setState(id: string, state: RunState, more?: StateChange): Promise<FlowRun | undefined>
  /**
   * Takes up a run as its driver: attempt + 1, state Running.
   * @param given parameters and config as the flow gets them, encoded: for its tasks
   * @param launch the launch that the driver belongs to, where an agent launched it
   * @param name what the run is called from now on
   * @throws UserError when another driver has it, or it is over and was not made ready to resume, or that launch is over
   */
  takeRun(id: string, given?: Uint8Array, launch?: number, name?: string): Promise<RunLease>

  /**
   * Makes a run that is over, or whose driver is gone, ready to be driven again, with the flow's code as it is now:
   * state Retrying.
   * @returns undefined when its present state does not allow that, or a driver has it
   */
  reopen(id: string, source: FlowSource | undefined): Promise<FlowRun | undefined>

  /** Writes down task runs, new or changed, the later record winning. */
  recordTasks(run: string, records: readonly TaskRecord[]): Promise<void>
  /** All task runs of a flow run that a restarted driver must know. */
  journal(run: string): Promise<JournalEntry[]>
  /** Encoded results of finished task runs, by number. */
  results(run: string, seqs: readonly number[]): Promise<Map<number, Uint8Array>>
  taskRuns(run: string, filter?: { states?: readonly TaskState[]; after?: number; limit?: number }): Promise<TaskRun[]>
  taskCounts(run: string): Promise<TaskCounts>

  /** Results of cached calls that are still good, by cache key. */
  cached(keys: readonly string[]): Promise<Map<string, Uint8Array>>
  /** @param lifetime milliseconds */
  cache(key: string, result: Uint8Array, lifetime: number): Promise<void>

  appendLogs(run: string, lines: readonly NewLog[]): Promise<void>
  /** In order of id. @param filter.limit default 1000 */
  logs(run: string, filter?: { after?: number; level?: LogLevel; limit?: number }): Promise<StoredLog[]>
  /** @returns a function that ends the listening */
  listen(run: string, listener: (event: RunEvent) => void): Promise<() => void>

  /** Deletes runs that ended before `before` (ms), with everything of theirs. @returns their ids */
  prune(before: number, options?: { dryRun?: boolean }): Promise<string[]>
  close(): Promise<void>
}

/** Results above this size (bytes) do not stay in their row. */
export const SPILL_ABOVE = 256 * 1024
