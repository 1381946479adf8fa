import { type BatchSource, CancelledError, type TaskBatch } from '@millrace/sdk'
import type { SharedArgs } from '../slots/call.ts'
import { digest, encode } from '../values/codec.ts'

/** A map of the flow, as the engine sees it. */
export interface RunMap extends TaskBatch {
  /** The shared arguments, encoded once. @throws UserError when one of them is not data */
  encoded(): SharedArgs | undefined
}

/** The maps of a run that have items left, and failures of maps that nobody waited for. */
export class Maps {
  private readonly sources = new Set<BatchSource>()
  private readonly failures: { readonly map: RunMap; readonly error: Error }[] = []
  private finishing = false
  private stopped = false

  /** How many have items left. */
  get size(): number {
    return this.sources.size
  }

  open(task: string, shared: readonly unknown[], source: BatchSource, onClose: () => void): RunMap {
    let encoded: SharedArgs | undefined
    const map: RunMap = {
      shared,
      observed: false,
      encoded: () => {
        if (shared.length > 0) encoded ??= encodeShared(task, shared)
        return encoded
      },
      close: (failure) => {
        this.sources.delete(source)
        if (failure && !(failure instanceof CancelledError)) this.failures.push({ map, error: failure })
        onClose()
      },
    }
    this.sources.add(source)
    if (this.finishing) source.finish()
    if (this.stopped) source.stop()
    return map
  }

  /** Nobody new will take results: maps go on to their ends. */
  finish(): void {
    this.finishing = true
    for (const source of this.sources) source.finish()
  }

  /** Maps make no more items. */
  stop(): void {
    this.stopped = true
    for (const source of this.sources) source.stop()
  }

  unobservedFailure(): Error | undefined {
    return this.failures.find(({ map }) => !map.observed)?.error
  }
}

function encodeShared(task: string, shared: readonly unknown[]): SharedArgs {
  const bytes = encode(shared, `task ${task}: a shared argument`)
  return { hash: digest(bytes), bytes }
}
