import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createRun,
  type DrivenRun,
  driveRun,
  type ExecutorKind,
  flowSource,
  memoryStore,
  PostgresStore,
  type ReaperOptions,
  type RunStore,
  Slots,
} from '@millrace/engine'
import { type Flow, type FlowOptions, flow, type LogEntry, type RunInfo } from '@millrace/sdk'
import type { z } from 'zod'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { endProcesses, PROJECT, startWorker } from '../../process.ts'

/** Short, so that tests of death need not wait; long enough for a machine with other things to do. */
export const REAPER: ReaperOptions = { every: 50, lease: 6000, restartGrace: 100 }

/** The secret that tests use, where every process finds it. */
export const SECRET = 'tOp-s3cret/value'

/** One executor with all it needs, for the tests of one file. */
export interface Stage {
  readonly kind: ExecutorKind
  readonly store: RunStore
  /** Cluster only. */
  readonly database: TestDatabase | undefined
  /** Threads executor: shared by the runs of a test file, for threads take their time to start. */
  readonly threads: Slots | undefined
  /** A path for a file of a test's own. */
  file(): string
  close(): Promise<void>
}

export async function openStage(kind: ExecutorKind): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-stage-'))
  process.env.TEST_PASSWORD = SECRET
  process.env.MILLRACE_STORE = `file:${folder}/store`
  let files = 0
  const database = kind === 'cluster' ? await createDatabase() : undefined
  const store = database ? await PostgresStore.open(database.url) : memoryStore()
  const threads = kind === 'threads' ? new Slots({ root: PROJECT, count: 2 }) : undefined
  if (database) {
    // Two slots for tasks without labels, as the threads executor has, and one worker more for those with.
    await Promise.all([
      startWorker({ database: database.url, name: 'one', reaper: REAPER }),
      startWorker({ database: database.url, name: 'two', reaper: REAPER }),
    ])
  }
  return {
    kind,
    store,
    database,
    threads,
    file: () => join(folder, `file-${files++}`),
    async close() {
      await endProcesses()
      await threads?.close()
      await store.close()
      await database?.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export interface Line extends LogEntry {
  readonly source: string
}

export interface Ended<R> extends DrivenRun {
  readonly result: R
  /** What came while the run went, in order. */
  readonly lines: readonly Line[]
}

export interface RunOptions extends Pick<Partial<FlowOptions>, 'timeout'> {
  readonly signal?: AbortSignal
  /** Threads executor: so many threads of the run's own. */
  readonly slots?: number
  /** Called with the run's id when it has begun. */
  readonly onStart?: (id: string, tallies: DrivenRun['tallies']) => void
}

/** Runs `body` as a flow; it may call the tasks of test/fixtures/project/flows/tasks. */
export async function run<R>(
  stage: Stage,
  body: (params: unknown, run: RunInfo) => R,
  { timeout, ...options }: RunOptions = {},
): Promise<Ended<Awaited<R>>> {
  const tested = flow({ name: 'tasks', ...(timeout && { timeout }) }, body)
  return drive(stage, tested, {}, options)
}

/** Runs a flow of the test project. */
export async function drive<P extends z.ZodType, C, R>(
  stage: Stage,
  tested: Flow<P, C, R>,
  params: unknown,
  { env = 'dev', signal, slots, onStart }: RunOptions & { readonly env?: string } = {},
): Promise<Ended<R>> {
  const { store, kind, threads } = stage
  const { name } = tested.definition
  const source = flowSource(PROJECT, name, `flows/${name}/flow.ts`)
  const given = tested as unknown as Flow
  const { id } = await createRun({ flow: given, source, params, env, executor: kind, store })
  const lines: Line[] = []
  const ended = await driveRun(id, {
    flow: given,
    store,
    root: PROJECT,
    reaper: REAPER,
    ...(slots !== undefined ? { slots } : threads && { threads }),
    ...(signal && { signal }),
    onLog: (source, entry) => lines.push({ ...entry, source }),
    onStart: (_run, tallies) => onStart?.(id, tallies),
  })
  return { ...ended, result: ended.result as R, lines }
}

/** Runs `body` as a flow that must complete. @returns its result */
export async function complete<R>(
  stage: Stage,
  body: (params: unknown, run: RunInfo) => R,
  options: RunOptions = {},
): Promise<Awaited<R>> {
  const { run: ended, result, error } = await run(stage, body, options)
  if (ended.state !== 'Completed') throw new Error(`the run is ${ended.state}`, { cause: error })
  return result
}

/** Runs `body` as a flow that must fail. @returns its error */
export async function failing(stage: Stage, body: () => unknown, options: RunOptions = {}): Promise<Error> {
  const { run: ended, error } = await run(stage, body, options)
  if (ended.state !== 'Failed' || !error) throw new Error(`the run is ${ended.state}`, { cause: error })
  return error
}
