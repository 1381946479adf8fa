import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { agents, findDeployment, PostgresStore } from '@millrace/engine'
import { localRecords } from '@millrace/release/records'
import type { Bench } from './bench.ts'
import type { Child } from './child.ts'
import { copyProject } from './project.ts'
import { until } from './until.ts'

/** How long (ms) a platform may take to come up. */
const UP = 30_000

/**
 * The platform on one machine, as `millrace start` has it: a project of its own, a database of its own, and an agent, a
 * process of `millrace agent start` with the process launcher. The flow hello is deployed to it.
 */
export class Platform implements AsyncDisposable {
  /** The project's folder. */
  readonly folder: string
  readonly store: PostgresStore
  private readonly bench: Bench
  private readonly temporary: string
  private agent: Child | undefined
  private closing: Promise<void> | undefined

  private constructor(bench: Bench, folder: string, store: PostgresStore, temporary: string) {
    this.bench = bench
    this.folder = folder
    this.store = store
    this.temporary = temporary
  }

  /** @param limit runs that it has going at once */
  static async open(bench: Bench, limit: number): Promise<Platform> {
    const folder = await copyProject(bench)
    const store = await PostgresStore.open(await bench.database())
    const platform = new Platform(bench, folder, store, await bench.folder())
    try {
      await platform.millrace(['deploy', 'hello']).done()
      await platform.start(limit)
    } catch (error) {
      await platform.close()
      throw error
    }
    return platform
  }

  /** A command of a person in the project. */
  millrace(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Child {
    // Processes of jobs keep bundles in the folder for temporary files: nobody else's are there.
    const env = {
      MILLRACE_DATABASE: this.store.database.url,
      TMPDIR: this.temporary,
      ...environment,
    }
    return this.bench.millrace(args, { cwd: this.folder, env })
  }

  /** Waits until a deployment counts. */
  async deployed(name: string): Promise<void> {
    await until(`${name} is deployed`, UP, async () => (await findDeployment(this.store.database, name)) !== undefined)
  }

  /** Names of jobs of which something is left. */
  async jobs(): Promise<string[]> {
    const all = await readdir(join(this.folder, '.millrace/jobs')).catch(() => [])
    return all.filter((name) => name.startsWith('millrace-'))
  }

  /** Ends the agent, with what it has going, and the connections. The database stays until the benchmark is over. */
  close(): Promise<void> {
    this.closing ??= (async () => {
      this.agent?.kill('SIGTERM')
      await this.agent?.exited
      await this.store.close()
    })()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async start(limit: number): Promise<void> {
    // Supervised, it ends when this process does, however that happens.
    const options = ['--store', localRecords(this.folder), '--limit', String(limit), '--drain-timeout', '1 second']
    const agent = this.millrace(['agent', 'start', ...options], { MILLRACE_SUPERVISED: '1' })
    this.agent = agent
    const ended = agent.done().then(() => {
      throw new Error('the agent ended before it was asked to')
    })
    ended.catch(() => {})
    const isUp = async (): Promise<boolean> => (await agents(this.store.database)).some(({ isAlive }) => isAlive)
    await Promise.race([ended, until('there is an agent', UP, isUp)])
    await Promise.race([ended, this.deployed('hello')])
  }
}
