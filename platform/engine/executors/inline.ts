import { CancelledError } from '@millrace/sdk'
import type { Outcome, RunFacts } from '../slots/call.ts'
import { runCall, startTimeout, stopped } from '../slots/run-call.ts'
import { runInfoOf } from '../slots/run-info.ts'
import type { Executor, ExecutorCall, TaskNews } from './executor.ts'

/**
 * Runs tasks in the driver's own thread: for tests and for stepping through a flow with a debugger.
 * A task that does not look at its signal cannot be stopped; its call ends all the same.
 */
export function inlineExecutor(facts: RunFacts, news: TaskNews): Executor {
  const open = new Map<number, AbortController>()

  const begin = (call: ExecutorCall, { signal }: AbortController): Promise<Outcome> => {
    const began = Date.now()
    return new Promise((resolve) => {
      // A moment later, so that a body that listens to its signal comes first.
      signal.addEventListener('abort', () => setImmediate(() => resolve(stopped(signal.reason, began))))
      const context = {
        run: runInfoOf(facts),
        definition: call.definition,
        signal,
        log: (entry: Parameters<TaskNews['log']>[1]) => news.log(`${call.task}-${call.seq}`, entry),
        progress: (progress: Parameters<TaskNews['progress']>[2]) => news.progress(call.seq, call.task, progress),
      }
      void runCall(call, context).then(resolve)
    })
  }

  return {
    kind: 'inline',
    window: 1000,
    records: false,
    run(call, done) {
      const controller = new AbortController()
      open.set(call.seq, controller)
      // Not at once: what is cancelled in the same breath never starts, as on the other executors.
      setImmediate(async () => {
        const { signal } = controller
        const stopTimeout = startTimeout(call, controller)
        const outcome = signal.aborted ? stopped(signal.reason) : await begin(call, controller)
        stopTimeout()
        open.delete(call.seq)
        done(outcome)
      })
    },
    cancel(reason, seqs) {
      for (const [seq, controller] of open) {
        if (!seqs || seqs.has(seq)) controller.abort(new CancelledError(reason))
      }
    },
    async close() {},
  }
}
