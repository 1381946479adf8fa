import {
  CancelledError,
  type Flow,
  formatDuration,
  type LogEntry,
  type RunInfo,
  SkipSignal,
  TimeoutError,
  UserError,
  withScope,
} from '@millrace/sdk'
import { stackInSources } from '../values/stack-in-sources.ts'
import type { TaskRuns } from './task-runs.ts'

/** How long a flow function that was told to end may take to do so (ms). */
const GRACE = 5000

/** How a flow function ended. */
export interface Ended {
  readonly state: 'Completed' | 'Failed' | 'Cancelled'
  readonly result: unknown
  readonly error: Error | undefined
}

export interface FlowBody {
  readonly flow: Flow
  readonly info: RunInfo
  readonly taskRuns: TaskRuns
  /** Aborted, with an error, when the run must end. */
  readonly stop: AbortController
  readonly log: (entry: LogEntry) => void
}

/** Runs a flow function and waits for its tasks. Never rejects. */
export async function runFlowBody({ flow, info, taskRuns, stop, log }: FlowBody): Promise<Ended> {
  const { signal } = stop
  const { name, timeout, body } = flow.definition
  if (signal.aborted) return endedBy(signal.reason)
  const scope = { run: info, signal, tasks: taskRuns, log, progress: () => {} }
  const stopTimeout = startTimeout(name, timeout, stop)
  const given = givenUp(signal, taskRuns)
  try {
    const work = (async () => {
      const result = await withScope(scope, () => body(info.params, info))
      await taskRuns.idle()
      const unseen = taskRuns.unobservedFailure()
      if (unseen) throw unseen
      return result
    })()
    work.catch(() => {})
    const result = await Promise.race([work, given])
    if (signal.aborted) return endedBy(signal.reason)
    return { state: 'Completed', result, error: undefined }
  } catch (error) {
    if (!signal.aborted) taskRuns.cancelAll('the flow failed')
    await Promise.race([taskRuns.idle(), given])
    if (signal.aborted) return endedBy(signal.reason)
    const skipped = error instanceof SkipSignal
    // Not Cancelled, whatever it is: nobody cancelled the run.
    return {
      ...endedBy(skipped ? new UserError(`flow ${name}: skip() works inside a task only`) : error),
      state: 'Failed',
    }
  } finally {
    stopTimeout()
  }
}

export function endedBy(reason: unknown): Ended {
  const state = reason instanceof CancelledError ? 'Cancelled' : 'Failed'
  const error = reason instanceof Error ? reason : new Error(String(reason))
  // Some errors let nobody change them.
  if (error.stack) Reflect.set(error, 'stack', stackInSources(error.stack))
  return { state, result: undefined, error }
}

function startTimeout(flow: string, timeout: number | undefined, stop: AbortController): () => void {
  if (timeout === undefined) return () => {}
  const message = `flow ${flow} took longer than its timeout of ${formatDuration(timeout)}`
  const timer = setTimeout(() => stop.abort(new TimeoutError(message)), timeout)
  return () => clearTimeout(timer)
}

/** Stops the tasks when the run must end; resolves when the flow function has had its time to end, too. */
function givenUp(signal: AbortSignal, taskRuns: TaskRuns): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      taskRuns.cancelAll(signal.reason instanceof Error ? signal.reason.message : String(signal.reason))
      setTimeout(resolve, GRACE).unref()
    })
  })
}
