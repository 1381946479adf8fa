import {
  CancelledError,
  formatDuration,
  type LogEntry,
  type Progress,
  type RunInfo,
  SkipSignal,
  type TaskDefinition,
  TimeoutError,
  withScope,
} from '@millrace/sdk'
import { decode, encode } from '../values/codec.ts'
import { toFailure } from '../values/failure.ts'
import type { Outcome, SlotCall } from './call.ts'
import { sharedArgs } from './shared-args.ts'

export interface CallContext {
  readonly run: RunInfo
  readonly definition: TaskDefinition
  /** Aborted with the reason when the call must stop. */
  readonly signal: AbortSignal
  log(entry: LogEntry): void
  progress(progress: Progress): void
}

/** Runs the body of a task in this thread. Never rejects. A body that ignores its signal may go on for ever. */
export async function runCall(call: SlotCall, context: CallContext): Promise<Outcome> {
  const started = now()
  try {
    const own = decode(call.args) as unknown[]
    const args = call.shared ? [...own, ...sharedArgs(call.shared)] : own
    const scope = { ...context, task: call.task }
    const value = await withScope(scope, () => context.definition.body(...args))
    if (context.signal.aborted) throw context.signal.reason
    return { state: 'Completed', result: encode(value, `task ${call.task}: its result`), started, ended: now() }
  } catch (error) {
    if (context.signal.aborted) return stopped(context.signal.reason, started)
    if (error instanceof SkipSignal) {
      const failure = { name: 'Skipped', message: error.message }
      return { state: 'Skipped', failure, started, ended: now() }
    }
    return { state: 'Failed', failure: toFailure(error), started, ended: now() }
  }
}

/** The outcome of a call that was stopped for `reason`. */
export function stopped(reason: unknown, started = now()): Outcome {
  const state = reason instanceof CancelledError ? 'Cancelled' : 'Failed'
  return { state, failure: toFailure(reason), started, ended: now() }
}

/** Ends `controller` when the call has taken `timeout` milliseconds. @returns a function that calls it off */
export function startTimeout(call: SlotCall, controller: AbortController): () => void {
  if (call.timeout === undefined) return () => {}
  const timer = setTimeout(() => controller.abort(timeoutError(call)), call.timeout)
  return () => clearTimeout(timer)
}

export function timeoutError(call: SlotCall): TimeoutError {
  return new TimeoutError(`task ${call.task} took longer than its timeout of ${formatDuration(call.timeout ?? 0)}`)
}

/** Milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
