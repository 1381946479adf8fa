import { hash } from 'node:crypto'
import type { SharedArgs } from '../slots/call.ts'
import { JOURNALLED, type TaskState } from '../states.ts'
import type { JournalEntry } from '../store/run-store.ts'

/** A call of which an earlier attempt at the run left no result may be waiting or running still. */
const OPEN: readonly TaskState[] = ['Pending', 'Running']
const KEY_BYTES = 16

/** Which calls of a run were made before, and what became of them. */
export class Journal {
  private readonly entries: ReadonlyMap<string, JournalEntry>
  /** How often the same call was made; the common case, once, costs a set entry. */
  private readonly once = new Set<number>()
  private readonly occurrences = new Map<number, number>()

  /** @param entries of earlier attempts at the run */
  constructor(entries: readonly JournalEntry[]) {
    this.entries = new Map(entries.map((entry) => [entry.key, entry]))
  }

  /** The first number that no earlier call has. */
  get firstFree(): number {
    let most = -1
    for (const { seq } of this.entries.values()) most = Math.max(most, seq)
    return most + 1
  }

  /** A call's name: task, arguments, and how often the same call was made before. */
  keyOf(task: string, args: Uint8Array, shared: SharedArgs | undefined): Uint8Array {
    const prefix = Buffer.from(`${task}\0${shared?.hash ?? ''}\0`)
    const full = hash('sha256', Buffer.concat([prefix, args]), 'buffer')
    const short = full.readUIntBE(0, 6)
    if (!this.once.has(short)) {
      this.once.add(short)
      return full.subarray(0, KEY_BYTES)
    }
    const occurrence = (this.occurrences.get(short) ?? 0) + 1
    this.occurrences.set(short, occurrence)
    return hash('sha256', Buffer.concat([full, Buffer.from(String(occurrence))]), 'buffer').subarray(0, KEY_BYTES)
  }

  find(key: Uint8Array): JournalEntry | undefined {
    return this.entries.size === 0 ? undefined : this.entries.get(Buffer.from(key).toString('hex'))
  }
}

/** Whether the call is over with a result that counts: it is not run again. */
export function isJournalled({ state }: JournalEntry): boolean {
  return (JOURNALLED as readonly TaskState[]).includes(state)
}

/** Whether the call may still be waiting, or running on some worker. */
export function isOpen({ state }: JournalEntry): boolean {
  return OPEN.includes(state)
}
