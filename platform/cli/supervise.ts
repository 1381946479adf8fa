import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** A worker ends with this when it was told to start anew. */
export const RESTART = 75
const SUPERVISED = 'MILLRACE_SUPERVISED'
const COMMAND = fileURLToPath(new URL('./bin/millrace.mjs', import.meta.url))
const LONGEST_WAIT = 10_000

export interface Supervised {
  /** Ends the process in the polite way, and starts it no more. */
  stop(): Promise<void>
}

/** For a supervised process: calls `action` when its supervisor is gone. */
export function whenSupervisorEnds(action: () => void): void {
  if (process.env[SUPERVISED] === undefined) return
  // Nobody reads what it prints any more.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  process.stdin.resume().once('end', action).once('error', action)
}

/**
 * Keeps a `millrace` command running in a process of its own: one that dies is started again, at once the first
 * time and ever later while it keeps dying.
 * @param onOutput what it prints, line by line
 * @param onEnd called when it ended by itself, for good
 */
export function supervise(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  onOutput: (line: string) => void,
  onEnd: (code: number | null) => void = () => {},
): Supervised {
  let child: ChildProcess | undefined
  let stopping = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined

  const begin = (): void => {
    const began = Date.now()
    // A group of its own: Ctrl-C is for the supervisor, which then stops its processes in order.
    // Its standard input ends when the supervisor does, however that happens: then it ends too.
    child = spawn(process.execPath, [COMMAND, ...args], {
      env: { ...env, [SUPERVISED]: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    child.stdin?.on('error', () => {})
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream?.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) onOutput(line)
      })
    }
    child.once('exit', (code, signal) => {
      child = undefined
      if (stopping || code === 0) {
        if (!stopping) onEnd(code)
        return
      }
      if (Date.now() - began > 30_000 || code === RESTART) failures = 0
      const wait = failures === 0 ? 0 : Math.min(LONGEST_WAIT, 250 * 2 ** failures)
      failures++
      if (code !== RESTART) onOutput(`ended by ${signal ?? `exit code ${code}`}; starting it again`)
      timer = setTimeout(begin, wait)
    })
  }
  begin()
  const kill = (): void => {
    if (child?.pid !== undefined) child.kill('SIGKILL')
  }
  process.on('exit', kill)
  return {
    async stop() {
      stopping = true
      clearTimeout(timer)
      const going = child
      if (!going) return
      const ended = new Promise<void>((resolve) => going.once('exit', () => resolve()))
      going.kill('SIGTERM')
      await ended
      process.off('exit', kill)
    },
  }
}
