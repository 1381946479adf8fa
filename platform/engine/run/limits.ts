/** What a call needs to be counted against its task's limit. */
export interface Limited {
  readonly task: string
  readonly limit: number
  /** It counts against the limit right now. */
  holdsPlace: boolean
  readonly over: boolean
}

/** How many calls of each task may be going at once. */
export class Limits<Call extends Limited> {
  private readonly tasks = new Map<string, { going: number; readonly waiting: Call[] }>()
  private readonly start: (call: Call) => void

  constructor(start: (call: Call) => void) {
    this.start = start
  }

  /** Starts the call, now or when it is its turn. */
  admit(call: Call): void {
    if (call.limit === Number.POSITIVE_INFINITY) {
      this.start(call)
      return
    }
    const task = this.tasks.get(call.task) ?? { going: 0, waiting: [] }
    this.tasks.set(call.task, task)
    task.waiting.push(call)
    this.startNext(task)
  }

  /** The call is over: its place goes to the next. A call that waits for its retry keeps its place. */
  leave(call: Call): void {
    const task = this.tasks.get(call.task)
    if (!task || !call.holdsPlace) return
    call.holdsPlace = false
    task.going--
    this.startNext(task)
  }

  private startNext(task: { going: number; readonly waiting: Call[] }): void {
    for (let [next] = task.waiting; next; [next] = task.waiting) {
      if (!next.over && task.going >= next.limit) return
      task.waiting.shift()
      if (next.over) continue
      task.going++
      next.holdsPlace = true
      this.start(next)
    }
  }
}
