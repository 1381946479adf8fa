import { CancelledError, type RunInfo } from '@millrace/sdk'
import { runCall, startTimeout } from '../slots/run-call.ts'
import { toFailure } from '../values/failure.ts'
import type { Executor, TaskNews } from './executor.ts'

/**
 * Runs tasks in the driver's own thread: for tests and for stepping through a flow with a debugger.
 * A task that does not look at its signal cannot be stopped; its call ends all the same.
 */
export function inlineExecutor(run: RunInfo, news: TaskNews): Executor {
  const running = new Map<number, AbortController>()
  return {
    kind: 'inline',
    window: 1000,
    records: false,
    run(call, done) {
      const controller = new AbortController()
      running.set(call.seq, controller)
      const stopTimeout = startTimeout(call, controller)
      const started = Date.now()
      const given = new Promise<void>((resolve) => {
        controller.signal.addEventListener('abort', () => setImmediate(resolve), { once: true })
      })
      const stopped = given.then(() => ({
        state: controller.signal.reason instanceof CancelledError ? ('Cancelled' as const) : ('Failed' as const),
        failure: toFailure(controller.signal.reason),
        started,
        ended: Date.now(),
      }))
      // In a turn of its own, so that a call that is cancelled at once does not begin.
      const work = Promise.resolve().then(() =>
        runCall(call, {
          run,
          definition: call.definition,
          signal: controller.signal,
          log: (entry) => news.log(`${call.task}-${call.seq}`, entry),
          progress: (progress) => news.progress(call.seq, call.task, progress),
        }),
      )
      void Promise.race([work, stopped]).then((outcome) => {
        stopTimeout()
        running.delete(call.seq)
        done(outcome)
      })
    },
    cancel(reason, seq) {
      for (const [each, controller] of running) {
        if (seq === undefined || seq === each) controller.abort(new CancelledError(reason))
      }
    },
    async close() {},
  }
}
