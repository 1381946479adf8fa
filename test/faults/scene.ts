import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReaperOptions } from '@millrace/engine'
import { createDatabase, type TestDatabase } from '../database.ts'
import { endProcesses, PROJECT, startWorker, TestProcess } from '../process.ts'
import { linesOf } from '../until.ts'

/** A lease that tests need not wait long for. */
export const REAPER: ReaperOptions = { every: 50, lease: 2000, driverGrace: 300, restartGrace: 300 }

/** A line that a step of the flow `steps` wrote. */
export interface Step {
  readonly what: string
  readonly item: number
  readonly pid: number
  readonly time: number
  readonly attempt: number
}

/** What a driver said of the end of its run. */
export interface End {
  readonly state: string
  readonly result?: { sum: number; count: number; deadly?: string; bytes?: number; checksum?: number }
  readonly error?: string
}

/** A database, and processes that meet in it, for one test of a fault. */
export class Scene {
  readonly database: TestDatabase
  readonly file: string
  private readonly folder: string

  private constructor(database: TestDatabase, folder: string) {
    this.database = database
    this.folder = folder
    this.file = join(folder, 'steps')
  }

  /** @param server URL of another Postgres than the test run's */
  static async open(server?: string): Promise<Scene> {
    return new Scene(await createDatabase(server), mkdtempSync(join(tmpdir(), 'millrace-fault-')))
  }

  worker(
    name: string,
    options: { slots?: number; patience?: number; root?: string; database?: string } = {},
  ): Promise<TestProcess> {
    return startWorker({ database: this.database.url, name, reaper: REAPER, ...options })
  }

  /** Starts a driver, of the flow `steps` if not said otherwise, or one that goes on with a run. */
  driver(
    params: object,
    more: { run?: string; flow?: string; patience?: number; executor?: string; root?: string } = {},
  ): TestProcess {
    return TestProcess.start('driver', {
      database: this.database.url,
      root: PROJECT,
      flow: 'steps',
      executor: 'cluster',
      params: more.flow === undefined ? { file: this.file, ...params } : params,
      reaper: REAPER,
      ...more,
    })
  }

  async runOf(driver: TestProcess): Promise<string> {
    return (await driver.said(/^run (\S+)/))[1] ?? ''
  }

  async endOf(driver: TestProcess, within = 25_000): Promise<End> {
    const [, state = '', rest = '{}'] = await driver.said(/^ended (\w+) (.*)$/, within)
    return { state, ...(JSON.parse(rest) as object) }
  }

  steps(what?: string): Step[] {
    return linesOf(this.file)
      .map((line) => line.split(' '))
      .map(([kind = '', item, pid, time, attempt]) => ({
        what: kind,
        item: Number(item),
        pid: Number(pid),
        time: Number(time),
        attempt: Number(attempt),
      }))
      .filter((step) => what === undefined || step.what === what)
  }

  /** How many task runs of the only run are in each state. */
  async states(): Promise<Record<string, number>> {
    const rows = await this.database.query<{ state: string; n: number }>(
      'select state, count(*)::int as n from task_run group by state',
    )
    return Object.fromEntries(rows.map(({ state, n }) => [state, n]))
  }

  async close(): Promise<void> {
    await endProcesses()
    await this.database.drop()
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** Sum of the numbers below `count`: what the flow `steps` gives. */
export function sumTo(count: number): number {
  return (count * (count - 1)) / 2
}
