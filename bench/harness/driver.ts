import type { ExecutorKind } from '@millrace/engine'
import type { DriverReport } from '../drivers/drive.ts'
import type { Bench } from './bench.ts'
import type { Child } from './child.ts'

export interface DriverOptions {
  /** URL of the run store. */
  readonly database: string
  readonly executor: ExecutorKind
  /** Path of the flow's module in the project, and the flow's name. */
  readonly flow: readonly [path: string, name: string]
  readonly params?: Readonly<Record<string, unknown>>
  /** A run to go on with, in place of a new one. */
  readonly run?: string
}

/** Starts a driver in a process of its own. */
export function startDriver(bench: Bench, options: DriverOptions): Child {
  const { database, executor, flow, params = {}, run } = options
  const args = [
    'bench/drivers/drive.ts',
    executor,
    ...flow,
    JSON.stringify(params),
    ...(run === undefined ? [] : [run]),
  ]
  return bench.node(args, { env: { MILLRACE_DATABASE: database } })
}

/** What a driver said at its end. @throws when it did not end well */
export async function reportOf(driver: Child): Promise<DriverReport> {
  const { stdout } = await driver.done()
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as DriverReport
}
