import { threadId } from 'node:worker_threads'
import { type Flow, taskNamed } from '@millrace/sdk'
import { toError } from '../values/failure.ts'
import { pack, unpack } from '../values/wire.ts'
import type { Batch, FromThread, ToThread, WireCall, WireOutcome } from './batch.ts'
import { BatchControl } from './batch-control.ts'
import type { Outcome, SharedArgs } from './call.ts'
import { usedAfterCollection } from './collect.ts'
import { type CallContext, now, runCall, startTimeout, stopped } from './run-call.ts'
import { runInfoOf } from './run-info.ts'
import { type StrayScope, seeToStrays, tellStrays } from './strays.ts'
import { loadThreadFlow, runFactsOf } from './thread-flow.ts'

/** Outcomes that follow each other faster than this (ms) are sent together. */
const SEND_EVERY = 2
const PROGRESS_EVERY = 100
/** Results above this size (bytes) are handed over, smaller ones copied. */
const LARGE = 64 * 1024
/** How long a call that was told to stop may take to do so before it is left behind (ms). */
export const GRACE = 250

seeToStrays()

/** Works through a batch, on a thread of its pool, and returns when none of its calls is left. */
export async function runBatch(batch: Batch): Promise<void> {
  const loaded = await loadThreadFlow().catch((error: unknown) => ({ error }))
  const run = new BatchRun(batch, loaded)
  await run.ended
  batch.port.close()
  // A body that ignored its signal still goes on: the pool ends the thread.
  if (run.isTainted) await new Promise(() => {})
}

class BatchRun {
  readonly ended: Promise<void>
  private readonly batch: Batch
  private readonly loaded: Flow | { readonly error: unknown }
  private readonly control: BatchControl
  private readonly calls: WireCall[]
  private readonly shared = new Map<string, SharedArgs>()
  private readonly running = new Map<number, AbortController>()
  isTainted = false
  /** Bodies that ignored their signal, and still go on. */
  private leftBehind = 0
  private unsent: WireOutcome[] = []
  private large: [number, Uint8Array][] = []
  private sentAt = 0
  private timer: NodeJS.Timeout | undefined
  private end = (): void => {}
  private forgetStrays = (): void => {}

  constructor(batch: Batch, loaded: Flow | { readonly error: unknown }) {
    this.batch = batch
    this.loaded = loaded
    this.control = new BatchControl(batch.control)
    this.calls = unpack(batch.calls)
    this.learn(batch.shared)
    this.ended = new Promise((resolve) => {
      this.end = resolve
    })
    if (batch.watched) this.send({ kind: 'thread', id: threadId })
    this.forgetStrays = tellStrays((stray) => this.send(stray))
    batch.port.on('message', (message: ToThread) => this.receive(message))
    this.goOn()
  }

  private receive(message: ToThread): void {
    if (message.kind === 'stop') this.running.get(message.index)?.abort(toError(message.failure))
    else if (message.kind === 'collect') this.send({ kind: 'memory', used: usedAfterCollection() })
    else {
      this.learn(message.shared)
      this.calls.push(...unpack<WireCall[]>(message.calls))
      this.goOn()
    }
  }

  private learn(shared: Batch['shared']): void {
    for (const { hash, bytes } of shared) this.shared.set(hash, { hash, bytes: new Uint8Array(bytes) })
  }

  /** Starts as many calls as may be going at once. */
  private goOn(): void {
    while (this.running.size < this.batch.width) {
      const index = this.control.take(this.calls.length)
      if (index === undefined) break
      this.start(index)
    }
    if (this.running.size > 0) return
    this.sendOutcomes()
    this.forgetStrays()
    this.isTainted = this.leftBehind > 0
    if (this.isTainted) this.send({ kind: 'tainted' })
    this.end()
  }

  private start(index: number): void {
    const controller = new AbortController()
    this.control.started(index, now())
    this.running.set(index, controller)
    void this.run(index, controller).then((outcome) => {
      this.control.ended(index)
      this.running.delete(index)
      this.keep(index, outcome)
      this.goOn()
    })
  }

  private async run(index: number, controller: AbortController): Promise<Outcome> {
    const { shared, ...rest } = this.calls[index] as WireCall
    const call = shared === undefined ? rest : { ...rest, shared: this.shared.get(shared) }
    const stopTimeout = startTimeout(call, controller)
    try {
      if ('error' in this.loaded) throw this.loaded.error
      const context: CallContext & StrayScope = {
        run: runInfoOf(runFactsOf(this.batch)),
        definition: taskNamed(call.task),
        signal: controller.signal,
        log: (entry) => this.send({ kind: 'log', index, entry }),
        progress: this.progressOf(index),
        seq: call.seq,
        stray: (error) => {
          controller.abort(error)
          return this.running.has(index)
        },
      }
      return await this.unlessDeaf(runCall(call, context), controller.signal)
    } catch (error) {
      return stopped(error)
    } finally {
      stopTimeout()
    }
  }

  /** The outcome of a call; or, where it does not stop when told to, that it was stopped. */
  private unlessDeaf(body: Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
    const began = now()
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined
      signal.addEventListener('abort', () => {
        timer = setTimeout(() => {
          this.leftBehind++
          void body.then(() => this.leftBehind--)
          resolve(stopped(signal.reason, began))
        }, GRACE)
      })
      void body.then((outcome) => {
        clearTimeout(timer)
        resolve(outcome)
      })
    })
  }

  private progressOf(index: number): CallContext['progress'] {
    let last = 0
    return (progress) => {
      const time = now()
      if (time - last < PROGRESS_EVERY && progress.done !== progress.total) return
      last = time
      this.send({ kind: 'progress', index, progress })
    }
  }

  private keep(index: number, { state, started, ended, result, failure }: Outcome): void {
    const isLarge = result !== undefined && result.byteLength > LARGE
    if (isLarge) this.large.push([index, result])
    this.unsent.push([index, state, started, ended, isLarge ? undefined : result, failure])
    if (ended - this.sentAt >= SEND_EVERY) this.sendOutcomes()
    else this.timer ??= setTimeout(() => this.sendOutcomes(), SEND_EVERY)
  }

  private sendOutcomes(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.unsent.length === 0) return
    const outcomes = pack(this.unsent)
    const { large } = this
    this.unsent = []
    this.large = []
    this.sentAt = now()
    this.send({ kind: 'outcomes', outcomes, large }, [outcomes, ...large.map(([, bytes]) => bytes)])
  }

  private send(message: FromThread, handedOver: readonly Uint8Array[] = []): void {
    this.batch.port.postMessage(
      message,
      handedOver.map(({ buffer }) => buffer as ArrayBuffer),
    )
  }
}
