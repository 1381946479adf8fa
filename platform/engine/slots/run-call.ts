import {
  CancelledError,
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
import type { Outcome, SharedArgs, SlotCall } from './call.ts'

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
  const what = `task ${call.task}: `
  try {
    if (context.signal.aborted) throw context.signal.reason
    const args = [...(decode(call.args) as unknown[]), ...sharedArgs(call.shared)]
    const scope = { ...context, task: call.task, seq: call.seq }
    const value = await withScope(scope, () => context.definition.body(...args))
    if (context.signal.aborted) throw context.signal.reason
    return { state: 'Completed', result: encode(value, `${what}its result`), started, ended: now() }
  } catch (error) {
    const ended = now()
    if (error instanceof SkipSignal) {
      return { state: 'Skipped', failure: { name: 'Skipped', message: error.message }, started, ended }
    }
    const cause = context.signal.aborted ? context.signal.reason : error
    const state = cause instanceof CancelledError ? 'Cancelled' : 'Failed'
    return { state, failure: toFailure(cause), started, ended }
  }
}

/** Ends `controller` when the call has taken `timeout` milliseconds. @returns a function that calls it off */
export function startTimeout(call: SlotCall, controller: AbortController): () => void {
  if (call.timeout === undefined) return () => {}
  const timer = setTimeout(() => controller.abort(timeoutError(call)), call.timeout)
  return () => clearTimeout(timer)
}

export function timeoutError(call: SlotCall): TimeoutError {
  return new TimeoutError(`task ${call.task} took longer than its timeout of ${(call.timeout ?? 0) / 1000} s`)
}

/** Milliseconds since the epoch, with fractions. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}

const REMEMBERED = 16
const decoded = new Map<string, readonly unknown[]>()

/** Shared arguments are decoded once per thread and frozen: a task that changed them would change them for the next. */
function sharedArgs(shared: SharedArgs | undefined): readonly unknown[] {
  if (!shared) return []
  const known = decoded.get(shared.hash)
  if (known) return known
  const args = freeze(decode(shared.bytes)) as readonly unknown[]
  decoded.set(shared.hash, args)
  const [oldest] = decoded.keys()
  if (decoded.size > REMEMBERED && oldest !== undefined) decoded.delete(oldest)
  return args
}

function freeze(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  if (value instanceof Map || value instanceof Set) {
    for (const item of value.keys()) freeze(item)
    for (const item of value.values()) freeze(item)
    for (const method of ['set', 'add', 'delete', 'clear']) {
      if (method in value) Object.defineProperty(value, method, { value: refuseChange })
    }
  } else for (const item of Object.values(value)) freeze(item)
  return Object.freeze(value)
}

function refuseChange(): never {
  throw new TypeError('an argument that all items of a map share cannot be changed')
}
