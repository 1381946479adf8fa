import { enqueue, type QueuedTask, type SlotNeeds } from '../postgres/queue.ts'
import type { PostgresStore } from '../postgres/run-store.ts'
import type { SharedArgs } from '../slots/call.ts'
import type { ExecutorCall } from './executor.ts'

const LARGEST_INSERT = 1000
const LARGEST_INSERT_BYTES = 8 * 2 ** 20
/** Inserts under way at once: the next is made ready while the database works. */
const INSERTS = 2

export interface InboxEvents {
  inserted(calls: readonly ExecutorCall[]): void
  broken(error: Error): void
}

/** Calls on their way from a driver into the queue: those of one turn of the event loop travel together. */
export class ClusterInbox {
  private readonly run: number
  private readonly store: PostgresStore
  private readonly events: InboxEvents
  private waiting = new Map<number, ExecutorCall>()
  private readonly sharedPut = new Map<string, Promise<string>>()
  private inserting = 0
  private scheduled = false
  private closed = false

  constructor(run: number, store: PostgresStore, events: InboxEvents) {
    this.run = run
    this.store = store
    this.events = events
  }

  /** Adding a call that waits already changes nothing. */
  add(call: ExecutorCall): void {
    this.waiting.set(call.seq, call)
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.flush()
    })
  }

  /** Takes out what was not sent yet. */
  remove(match: (call: ExecutorCall) => boolean): ExecutorCall[] {
    const removed = [...this.waiting.values()].filter(match)
    for (const { seq } of removed) this.waiting.delete(seq)
    return removed
  }

  close(): void {
    this.closed = true
    this.waiting.clear()
  }

  private flush(): void {
    while (this.waiting.size > 0 && this.inserting < INSERTS && !this.closed) {
      const calls = this.next()
      this.inserting++
      this.insert(calls)
        .then(() => this.events.inserted(calls))
        .catch((error: Error) => this.events.broken(error))
        .finally(() => {
          this.inserting--
          this.flush()
        })
    }
  }

  private next(): ExecutorCall[] {
    const calls: ExecutorCall[] = []
    let bytes = 0
    for (const [seq, call] of this.waiting) {
      if (calls.length === LARGEST_INSERT || bytes > LARGEST_INSERT_BYTES) break
      calls.push(call)
      bytes += call.args.byteLength
      this.waiting.delete(seq)
    }
    return calls
  }

  private async insert(calls: readonly ExecutorCall[]): Promise<void> {
    const tasks: QueuedTask[] = []
    for (const call of calls) {
      const { options } = call.definition
      if (call.shared) await this.putShared(call.shared)
      tasks.push({
        seq: call.seq,
        key: call.key,
        task: call.task,
        attempt: call.attempt,
        priority: options.priority,
        labels: options.labels,
        args: await this.store.values.spill(this.run, call.args),
        shared: call.shared?.hash,
        slot: slotNeeds(call),
      })
    }
    await enqueue(this.store.database, this.run, tasks)
  }

  private putShared({ hash, bytes }: SharedArgs): Promise<string> {
    const put = this.sharedPut.get(hash) ?? this.store.values.put(this.run, bytes)
    this.sharedPut.set(hash, put)
    return put
  }
}

function slotNeeds({ timeout, memory, io }: ExecutorCall): SlotNeeds | undefined {
  if (timeout === undefined && memory === undefined && !io) return undefined
  return { ...(timeout !== undefined && { timeout }), ...(memory !== undefined && { memory }), ...(io && { io }) }
}
