import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { WorkerOptions } from '@millrace/engine'

/** A process of a test, and what it has said so far. */
export class TestProcess {
  readonly lines: string[] = []
  readonly ended: Promise<number | NodeJS.Signals>
  private readonly child: ChildProcess
  private heard = (): void => {}
  private over = false

  private constructor(child: ChildProcess) {
    this.child = child
    let rest = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const parts = (rest + text).split('\n')
        rest = parts.pop() ?? ''
        this.lines.push(...parts)
        this.heard()
      })
    }
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.over = true
      this.heard()
      return signal ?? code
    })
    running.add(this)
    void this.ended.then(() => running.delete(this))
  }

  /** Starts `test/faults/processes/NAME.ts` with options for it. */
  static start(name: string, options: object, env: NodeJS.ProcessEnv = {}): TestProcess {
    const script = fileURLToPath(new URL(`./faults/processes/${name}.ts`, import.meta.url))
    const child = spawn(process.execPath, [script, JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Code that was compiled once need not be compiled by every process.
      env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'), ...env },
    })
    return new TestProcess(child)
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** Waits for a line, and gives back what the pattern caught of it. */
  async said(pattern: RegExp, within = 15_000): Promise<RegExpMatchArray> {
    const deadline = Date.now() + within
    for (;;) {
      for (const line of this.lines) {
        const match = line.match(pattern)
        if (match) return match
      }
      const left = deadline - Date.now()
      if (this.over || left <= 0) {
        throw new Error(
          `${this.over ? 'it ended' : `${within} ms passed`} without saying ${pattern}:\n${this.lines.join('\n')}`,
        )
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.heard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal)
  }

  /** Kills it, stopped or not, and waits until it is gone. */
  async end(): Promise<void> {
    if (!this.over) this.child.kill('SIGKILL')
    await this.ended
  }
}

const running = new Set<TestProcess>()

/** Ends what a test has left running. */
export async function endProcesses(): Promise<void> {
  await Promise.all([...running].map((each) => each.end()))
}

/** Starts a worker process and waits until it takes tasks. */
export async function startWorker(
  options: Partial<WorkerOptions> & Pick<WorkerOptions, 'database'>,
  env: NodeJS.ProcessEnv = {},
): Promise<TestProcess> {
  const worker = TestProcess.start('worker', { root: PROJECT, slots: 1, ...options }, env)
  await worker.said(/^ready/)
  return worker
}

/** The project of the tests' own flows. */
export const PROJECT = fileURLToPath(new URL('./fixtures/project', import.meta.url))
