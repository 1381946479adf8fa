import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** What a platform is asked to run. */
export interface ContainerSpec {
  readonly image: string
  /** Command and arguments. */
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Starts what stands for a container; or tells that it would be stopped for its memory. */
export type StartContainer = (spec: ContainerSpec) => ChildProcess | 'out of memory'

/** Why a container was ended by its platform. */
export type EndedBy = 'memory' | 'timeout' | 'user' | 'machine'

export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly by?: EndedBy
}

/** A container of a fake: a process, whose lines and end are told. */
export class Container {
  readonly #process: ChildProcess | undefined
  readonly #grace: number
  #by: EndedBy | undefined
  #isOver = false

  constructor(
    start: StartContainer,
    spec: ContainerSpec,
    options: {
      /** How long (ms) it may take after SIGTERM. */
      readonly grace: number
      readonly onLine: (line: string, stream: 'stdout' | 'stderr') => void
      readonly onEnd: (end: End) => void
    },
  ) {
    this.#grace = options.grace
    const started = start(spec)
    const end = (over: End) => {
      if (this.#isOver) return
      this.#isOver = true
      options.onEnd(over)
    }
    if (started === 'out of memory') {
      setImmediate(() => end({ code: null, signal: 'SIGKILL', by: 'memory' }))
      return
    }
    this.#process = started
    for (const stream of ['stdout', 'stderr'] as const) {
      const input = started[stream]
      if (input) createInterface({ input, crlfDelay: Infinity }).on('line', (line) => options.onLine(line, stream))
    }
    started.on('close', (code, signal) => end({ code, signal, ...(this.#by && { by: this.#by }) }))
  }

  /** SIGTERM, and SIGKILL where it does not go. */
  stop(by: EndedBy): void {
    this.#by ??= by
    if (this.#isOver || !this.#process) return
    this.#process.kill('SIGTERM')
    setTimeout(() => this.#process?.kill('SIGKILL'), this.#grace).unref()
  }

  /** SIGKILL at once. */
  kill(by: EndedBy): void {
    this.#by ??= by
    if (!this.#isOver) this.#process?.kill('SIGKILL')
  }
}
