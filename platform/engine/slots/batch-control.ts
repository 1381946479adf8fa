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

  /** @param calls how many the batch may ever have */
  static for(calls: number): BatchControl {
    return new BatchControl(new SharedArrayBuffer(8 + 8 * calls))
  }

  /** How many calls the batch may ever have. */
  get room(): number {
    return this.times.length
  }

  /** For the thread. @param known how many calls it knows @returns the call to run next; undefined when there is none */
  take(known: number): number | undefined {
    for (;;) {
      const index = Atomics.load(this.next, 0)
      if (index >= known) return undefined
      if (Atomics.compareExchange(this.next, 0, index, index + 1) === index) return index
    }
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
