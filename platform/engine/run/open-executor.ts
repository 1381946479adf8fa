import { availableParallelism } from 'node:os'
import { UserError } from '@millrace/sdk'
import { clusterExecutor } from '../executors/cluster.ts'
import type { Executor, TaskNews } from '../executors/executor.ts'
import { inlineExecutor } from '../executors/inline.ts'
import { threadsExecutor } from '../executors/threads.ts'
import { PostgresStore } from '../postgres/run-store.ts'
import type { RunFacts } from '../slots/call.ts'
import { Slots } from '../slots/slots.ts'
import type { FlowRun } from '../store/run-store.ts'
import type { DriveOptions } from './drive.ts'

/** Opens the executor that a run asks for. */
export async function openExecutor(
  run: FlowRun,
  facts: RunFacts,
  options: DriveOptions,
  news: TaskNews,
): Promise<Executor> {
  if (run.executor === 'inline') return inlineExecutor(facts, news)
  const { source } = run
  if (!source) throw new UserError(`run ${run.id} does not say where its flow is: only the inline executor can run it`)
  if (run.executor === 'threads') {
    const { slots: count = availableParallelism(), memory, root } = options
    const slots = options.threads ?? new Slots({ root, count, memory })
    return threadsExecutor(facts, { source, slots, own: !options.threads }, news)
  }
  if (!(options.store instanceof PostgresStore)) {
    throw new UserError('the cluster executor needs a Postgres run store', 'Set MILLRACE_WORKERS to its URL.')
  }
  return clusterExecutor(run.id, options.store, news, options.reaper)
}
