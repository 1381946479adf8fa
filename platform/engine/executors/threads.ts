import type { FlowSource } from '../flow-source.ts'
import type { RunFacts, TaskEvents } from '../slots/call.ts'
import type { Slots } from '../slots/slots.ts'
import type { Executor, TaskNews } from './executor.ts'

export interface ThreadsOptions {
  readonly source: FlowSource
  readonly slots: Slots
  /** The slots are this run's own: they end with it. */
  readonly own: boolean
}

/** Runs tasks on threads of the driver's process: what a run uses when nothing is set. */
export function threadsExecutor(run: RunFacts, options: ThreadsOptions, news: TaskNews): Executor {
  const { slots, source, own } = options
  const events: TaskEvents = {
    log: (seq, task, entry) => news.log(`${task}-${seq}`, entry),
    progress: news.progress,
  }
  return {
    kind: 'threads',
    window: 10_000,
    records: false,
    run: ({ definition: _definition, key: _key, adopted: _adopted, ...call }, done) =>
      slots.run({ run, source, call, events, done }),
    cancel: (reason, seqs) => slots.cancel((job) => job.run === run && (!seqs || seqs.has(job.call.seq)), reason),
    close: async () => {
      if (own) await slots.close()
    },
  }
}
