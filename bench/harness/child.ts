import { type ChildProcess, spawn } from 'node:child_process'
import { ROOT } from './bench.ts'

export interface ChildOptions {
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
}

/** How a process ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that was started to be measured. */
export class Child {
  readonly pid: number
  /** Never rejects: a program that is not there ends with code null. */
  readonly exited: Promise<Ended>
  private readonly process: ChildProcess
  private readonly command: string
  private readonly output = { stdout: '', stderr: '' }
  private listeners: ((line: string) => void)[] = []
  private readonly readers = new Set<() => void>()

  constructor(file: string, args: readonly string[], options: ChildOptions) {
    this.command = [file, ...args].join(' ')
    // A group of its own: Ctrl-C is for the benchmarks, which then end their processes.
    this.process = spawn(file, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    this.pid = this.process.pid ?? 0
    this.process.stdin?.on('error', () => {})
    let rest = ''
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.output.stdout += text
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) for (const listener of this.listeners) listener(line)
    })
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output.stderr = (this.output.stderr + text).slice(-20_000)
      for (const listener of this.readers) listener()
    })
    this.exited = new Promise((resolve) => {
      this.process.once('error', (error) => {
        this.output.stderr += String(error)
        resolve({ code: null, signal: null, ...this.output })
      })
      this.process.once('exit', (code, signal) => {
        const end = (): void => resolve({ code, signal, ...this.output })
        // What it said may still be on its way; a process that it left behind may hold the pipe open.
        this.process.once('close', end)
        setTimeout(end, 500).unref()
      })
    })
  }

  /** Waits for the end. @throws when it did not end well */
  async done(): Promise<Ended> {
    const ended = await this.exited
    if (ended.code !== 0) throw this.failure(ended)
    return ended
  }

  /** The next line on its standard output. @throws when it ends before */
  nextLine(): Promise<string> {
    return new Promise((resolve, reject) => {
      const listener = (line: string): void => {
        this.listeners = this.listeners.filter((each) => each !== listener)
        resolve(line)
      }
      this.listeners.push(listener)
      void this.exited.then((ended) => reject(this.failure(ended)))
    })
  }

  /** Waits until a text stands in what it wrote to standard error. @throws when it ends before */
  said(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!this.output.stderr.includes(text)) return
        this.readers.delete(look)
        resolve()
      }
      this.readers.add(look)
      look()
      void this.exited.then((ended) => reject(this.failure(ended)))
    })
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.process.stdin?.write(`${line}\n`)
  }

  /** Sends a signal to it and to what it started. */
  kill(signal: NodeJS.Signals): void {
    if (process.platform === 'win32') {
      this.process.kill(signal)
      return
    }
    try {
      process.kill(-this.pid, signal)
    } catch {
      // It is gone.
    }
  }

  private failure({ code, signal, stderr, stdout }: Ended): Error {
    const said = (stderr || stdout).trim().split('\n').slice(-15).join('\n')
    return new Error(`${this.command} ended with ${signal ?? `exit code ${code}`}:\n${said}`)
  }
}
