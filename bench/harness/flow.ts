import {
  createRun,
  type DrivenRun,
  driveRun,
  type ExecutorKind,
  flowSource,
  importFlow,
  type LoadedFlow,
  type RunStore,
} from '@millrace/engine'
import { ROOT } from './bench.ts'

/** Loads one of the flows that only benchmarks run: `inc` is `bench/flows/inc.ts`, and named "bench-inc". */
export async function benchFlow(name: string): Promise<LoadedFlow> {
  const source = flowSource(ROOT, `bench-${name}`, `bench/flows/${name}.ts`)
  return { flow: await importFlow(ROOT, source), source }
}

export interface RunOptions {
  readonly store: RunStore
  readonly executor: ExecutorKind
  readonly params: Readonly<Record<string, unknown>>
  /** Threads executor: tasks at once. @default the machine's processors */
  readonly slots?: number
}

/** Runs a flow in this process, from its creation to its end. @throws what made it fail */
export async function runFlow(loaded: LoadedFlow, options: RunOptions): Promise<DrivenRun> {
  const { store, executor, params, slots } = options
  const run = await createRun({ ...loaded, params, executor, store })
  const driven = await driveRun(run.id, { ...loaded, store, root: ROOT, ...(slots !== undefined && { slots }) })
  if (driven.error) throw driven.error
  return driven
}
