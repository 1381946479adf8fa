import type { MessagePort } from 'node:worker_threads'
import type { LogEntry, Progress } from '@millrace/sdk'
import type { FlowSource } from '../flow-source.ts'
import type { Failure } from '../values/failure.ts'
import type { Outcome, SlotCall } from './call.ts'

/** What every thread of a pool is started with. */
export interface ThreadData {
  readonly root: string
  readonly source: FlowSource
}

/** A call as it travels to a thread: what is shared by several goes beside it. */
export interface WireCall extends Omit<SlotCall, 'shared'> {
  /** Hash of the shared arguments. */
  readonly shared?: string | undefined
}

/** Shared arguments, in memory that all threads see: they are not copied for each batch. */
export interface WireShared {
  readonly hash: string
  readonly bytes: SharedArrayBuffer
}

/** A few calls handed to one thread at once. */
export interface Batch {
  /** Names the run and its attempt: facts of a key that the thread knows need not be read again. */
  readonly runKey: string
  /** The run's facts, packed. */
  readonly run: SharedArrayBuffer
  /** Packed {@link WireCall}s. */
  readonly calls: Uint8Array
  readonly shared: readonly WireShared[]
  readonly control: SharedArrayBuffer
  /** How many of the calls may be going at once: 1, or more for calls that wait for the network. */
  readonly width: number
  /** The pool watches how much memory the thread takes, and wants to know which one it is. */
  readonly watched: boolean
  readonly port: MessagePort
}

/** From the thread, while it works. */
export type FromThread =
  | { readonly kind: 'thread'; readonly id: number }
  /** Packed list of {@link WireOutcome}, and the results that are too large to be copied into it. */
  | {
      readonly kind: 'outcomes'
      readonly outcomes: Uint8Array
      readonly large: readonly (readonly [index: number, result: Uint8Array])[]
    }
  | { readonly kind: 'log'; readonly index: number; readonly entry: LogEntry }
  | { readonly kind: 'progress'; readonly index: number; readonly progress: Progress }
  /** Bytes in use, garbage collected. */
  | { readonly kind: 'memory'; readonly used: number }
  /** What went wrong in the name of a call that is over. */
  | {
      readonly kind: 'stray'
      readonly run: string
      readonly seq: number
      readonly task: string
      readonly entry: LogEntry
    }
  /** A call did not stop when told to: its outcome has been sent, and the thread must not be used again. */
  | { readonly kind: 'tainted' }

export type WireOutcome = readonly [
  index: number,
  state: Outcome['state'],
  started: number,
  ended: number,
  result: Uint8Array | undefined,
  failure: Failure | undefined,
]

/** To the thread: stop one call, take more, or collect garbage and say what is left. */
export type ToThread =
  | { readonly kind: 'stop'; readonly index: number; readonly failure: Failure }
  | { readonly kind: 'more'; readonly calls: Uint8Array; readonly shared: readonly WireShared[] }
  | { readonly kind: 'collect' }
