import { spawn } from 'node:child_process'
import { type Account, commandAs } from './account.ts'

/** How a program ended. `code` is the exit code, or the reason why it could not be started, such as `EACCES`. */
export interface Outcome {
  readonly code: number | string
  readonly output: string
}

/**
 * What the server sees of our environment: neither the secrets in it nor the PG… and LC_… variables that would
 * change what it does.
 */
export function serverEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR']
  const env: NodeJS.ProcessEnv = { LC_ALL: 'C', ...extra }
  for (const name of kept) if (process.env[name] !== undefined) env[name] = process.env[name]
  return env
}

/** Runs a program as `account` to its end. `descriptor` is what it gets as its open file 3. */
export function run(
  account: Account,
  program: string,
  args: readonly string[],
  { cwd, descriptor }: { cwd?: string; descriptor?: number } = {},
): Promise<Outcome> {
  const command = commandAs(account, program, args)
  return new Promise((resolve) => {
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    const failed = (error: unknown): void => resolve({ code: codeOf(error), output })
    try {
      const child = spawn(command.file, command.args, {
        ...command.identity,
        ...(cwd === undefined ? {} : { cwd }),
        env: serverEnvironment(),
        windowsHide: true,
        stdio: ['ignore', 'pipe', 'pipe', descriptor ?? 'ignore'],
      })
      child.stdout?.on('data', collect)
      child.stderr?.on('data', collect)
      child.once('error', failed)
      child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'unknown', output }))
    } catch (error) {
      failed(error) // Node throws some of them, such as the EPERM of who may not become another user
    }
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
