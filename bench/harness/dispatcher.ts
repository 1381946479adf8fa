/** A system that takes runs from a queue and starts a process for each, ready to be measured; ours or another. */
export interface Dispatcher extends AsyncDisposable {
  /** Queues runs of hello and waits for their ends. @returns runs a second, from the first claim to the last end */
  many(count: number): Promise<number>
  /** Runs of hello, each queued when nothing else goes on. @returns of each */
  inTurn(count: number): Promise<readonly FirstLine[]>
}

/** Milliseconds from when a run was asked for. */
export interface FirstLine {
  /** To the time that its first line bears. */
  readonly written: number
  /** To when that line could be read where it is kept; undefined where that was not looked at. */
  readonly readable?: number
}

/** Runs that go at once when many are queued: the same for everybody. */
export const LIMIT = 2
