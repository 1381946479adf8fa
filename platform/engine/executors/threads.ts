import type { FlowSource } from '../flow-source.ts'
import type { RunFacts } from '../slots/call.ts'
import { Slots } from '../slots/slots.ts'
import type { Executor, TaskNews } from './executor.ts'

export interface ThreadsOptions {
  readonly root: string
  readonly source: FlowSource
  /** How many tasks run at once. */
  readonly slots: number
  /** Most memory (bytes) of one thread. */
  readonly memory?: number | undefined
}

/** Runs tasks on threads of the driver's process: what a run uses when nothing is set. */
export function threadsExecutor(run: RunFacts, options: ThreadsOptions, news: TaskNews): Executor {
  const slots = new Slots({ root: options.root, count: options.slots, memory: options.memory })
  const events = {
    log: (seq: number, task: string, entry: Parameters<TaskNews['log']>[1]) => news.log(`${task}-${seq}`, entry),
    progress: news.progress,
  }
  return {
    kind: 'threads',
    window: 10_000,
    records: false,
    run: ({ definition: _definition, key: _key, ...call }, done) =>
      slots.run({ run, source: options.source, call, events, done }),
    cancel: (reason, seq) => slots.cancel(({ call }) => seq === undefined || call.seq === seq, reason),
    close: () => slots.close(),
  }
}
