import { type ChildProcess, spawn } from 'node:child_process'
import { join, resolve } from 'node:path'

const BIN = resolve(import.meta.dirname, '../../node_modules/.bin')

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Going {
  readonly child: ChildProcess
  /** Presses Ctrl-C: the signal goes to the command and all it started. */
  interrupt(): void
  readonly ended: Promise<Ended>
  /** Resolves when what was printed so far matches. */
  prints(pattern: RegExp, timeout?: number): Promise<string>
}

/** Starts a command line as a person would type it, in `cwd`. */
export function begin(line: string, cwd: string, env: NodeJS.ProcessEnv = {}): Going {
  const { MILLRACE_WORKERS: _w, MILLRACE_DATABASE: _d, MILLRACE_ENV: _e, ...clean } = process.env
  const child = spawn('bash', ['-c', `exec env ${line}`], {
    cwd,
    env: { ...clean, PATH: `${join(cwd, 'node_modules/.bin')}:${BIN}:${process.env.PATH}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, as in a terminal.
    detached: true,
  })
  let out = ''
  let err = ''
  const waiting = new Set<() => void>()
  const heard = (): void => {
    for (const look of waiting) look()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    heard()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
    heard()
  })
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, out, err })))
  return {
    child,
    interrupt: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
    ended,
    prints: (pattern, timeout = 30_000) =>
      new Promise((done, fail) => {
        const timer = setTimeout(() => fail(new Error(`did not print ${pattern}:\n${out}${err}`)), timeout)
        const look = (): void => {
          if (!pattern.test(out + err)) return
          clearTimeout(timer)
          waiting.delete(look)
          done(out + err)
        }
        waiting.add(look)
        look()
      }),
  }
}

/** Runs a command line to its end. */
export function command(line: string, cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return begin(line, cwd, env).ended
}
