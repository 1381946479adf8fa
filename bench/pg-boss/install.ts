import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Bench } from '../harness/bench.ts'
import { SkippedError } from '../harness/benchmark.ts'

/** Later ones ask for a dependency that is not to be had. */
const VERSION = '12.30.0'

/** The part of pg-boss that is used here. */
export interface PgBoss {
  on(event: 'error', listener: (error: Error) => void): void
  start(): Promise<unknown>
  stop(options: { graceful: boolean }): Promise<void>
  createQueue(name: string, options: { notify: boolean }): Promise<void>
  insert(name: string, jobs: readonly { data: JobData }[]): Promise<unknown>
  work(
    name: string,
    options: object,
    handler: (jobs: readonly Job[]) => Promise<readonly JobOutcome[]>,
  ): Promise<string>
}

export interface JobData {
  readonly run: number
  readonly seq: number
}

export interface Job {
  readonly id: string
  readonly data: JobData
}

export interface JobOutcome {
  readonly id: string
  readonly status: 'completed'
  readonly output: null
}

type PgBossClass = new (options: object) => PgBoss

/**
 * Installs pg-boss, which the project does not depend on, into a folder that goes away with the benchmark.
 * @returns path of its module
 * @throws SkippedError where the npm registry cannot be reached
 */
export async function installPgBoss(bench: Bench): Promise<string> {
  const folder = await bench.folder()
  const install = ['install', '--prefix', folder, '--no-audit', '--no-fund', `pg-boss@${VERSION}`]
  const { code } = await bench.child(process.platform === 'win32' ? 'npm.cmd' : 'npm', install).exited
  if (code !== 0) throw new SkippedError(`pg-boss ${VERSION} cannot be installed from the npm registry`)
  return createRequire(join(folder, 'package.json')).resolve('pg-boss')
}

/** Loads pg-boss from where {@link installPgBoss} put it. */
export async function loadPgBoss(path: string): Promise<PgBossClass> {
  const module = (await import(pathToFileURL(path).href)) as { PgBoss: PgBossClass }
  return module.PgBoss
}
