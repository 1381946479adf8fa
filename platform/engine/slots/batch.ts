import type { MessagePort } from 'node:worker_threads'
import type { LogEntry, Progress } from '@millrace/sdk'
import type { FlowSource } from '../flow-source.ts'
import type { Failure } from '../values/failure.ts'
import type { Outcome, RunFacts, SharedArgs, SlotCall } from './call.ts'

/** What every thread of a pool is started with. */
export interface ThreadData {
  readonly root: string
  readonly source: FlowSource
}

/** A few calls handed to one thread at once. */
export interface Batch {
  readonly run: RunFacts
  readonly calls: readonly (Omit<SlotCall, 'shared'> & { readonly shared?: string | undefined })[]
  /** Shared arguments by hash. */
  readonly shared: readonly SharedArgs[]
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
  | { readonly kind: 'outcomes'; readonly outcomes: readonly (readonly [index: number, Outcome])[] }
  | { readonly kind: 'log'; readonly index: number; readonly entry: LogEntry }
  | { readonly kind: 'progress'; readonly index: number; readonly progress: Progress }
  /** What a task said that is over. */
  | { readonly kind: 'stray'; readonly task: string; readonly seq: number; readonly entry: LogEntry }
  /** Bytes in use, garbage collected. */
  | { readonly kind: 'memory'; readonly used: number }

/** To the thread: stop one call; answer; or collect garbage and say what is left. */
export type ToThread =
  | { readonly kind: 'ping' }
  | { readonly kind: 'stop'; readonly index: number; readonly failure: Failure }
  | { readonly kind: 'collect' }

/** Taken by the thread as "there is no more". */
const TAKEN_BACK = 0x40000000

/**
 * Memory that a batch's two sides share: which call is next, and when each was started. It lets the pool take
 * back what a busy thread has not begun, and see that a call is overdue, though the thread cannot answer.
 */
export class BatchControl {
  readonly memory: SharedArrayBuffer
  private readonly next: Int32Array
  /** Milliseconds since the epoch; 0: not started; -1: ended. */
  private readonly times: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory
    this.next = new Int32Array(memory, 0, 1)
    this.times = new Float64Array(memory, 8)
  }

  static for(calls: number): BatchControl {
    return new BatchControl(new SharedArrayBuffer(8 + 8 * calls))
  }

  /** For the thread: index of the call to run next; `calls` or more when none is left. */
  take(): number {
    return Atomics.add(this.next, 0, 1)
  }

  /** For the pool: takes back all calls not begun. @returns index of the first of them */
  takeBack(): number {
    return Math.min(Atomics.exchange(this.next, 0, TAKEN_BACK), this.times.length)
  }

  started(index: number, time: number): void {
    this.times[index] = time
  }

  ended(index: number): void {
    this.times[index] = -1
  }

  /** When the call was started, or undefined when it is not running. */
  runningSince(index: number): number | undefined {
    const time = this.times[index] ?? 0
    return time > 0 ? time : undefined
  }
}
