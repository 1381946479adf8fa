import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { memoryStore, PostgresStore, type RunStore } from '@millrace/engine'
import { startEmbeddedPostgres } from '@millrace/engine/embedded'
import pg from 'pg'
import type { BenchOptions } from './benchmark.ts'
import { Child, type ChildOptions } from './child.ts'
import { Cluster } from './cluster.ts'
import { Platform } from './platform.ts'

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '')

/** What one benchmark works with. Everything that it starts or makes is gone when it is closed. */
export class Bench {
  readonly options: BenchOptions
  private readonly open = new AsyncDisposableStack()
  /** Done when all benchmarks are over. */
  private readonly afterAll: AsyncDisposableStack
  private readonly children = new Set<Child>()
  private server: Promise<string> | undefined
  private closing: Promise<void> | undefined

  constructor(options: BenchOptions, afterAll: AsyncDisposableStack) {
    this.options = options
    this.afterAll = afterAll
    this.open.defer(() => this.endChildren())
  }

  get quick(): boolean {
    return this.options.quick
  }

  /** The full size, or the one for trying things. */
  size(full: number, quick: number): number {
    return this.quick ? quick : full
  }

  /** An empty folder. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
    this.open.defer(() => rm(folder, { recursive: true, force: true }))
    return folder
  }

  /**
   * An empty folder for very many files, removed when all benchmarks are over: for minutes after files are removed,
   * ext4 makes new ones many times slower.
   */
  async largeFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
    this.afterAll.defer(() => rm(folder, { recursive: true, force: true }))
    return folder
  }

  /** URL of a new, empty database, on a Postgres that is this benchmark's own. */
  async database(): Promise<string> {
    this.server ??= this.startServer()
    const url = new URL(await this.server)
    const name = `bench_${randomBytes(4).toString('hex')}`
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    await client.query(`create database ${name}`)
    await client.end()
    url.pathname = `/${name}`
    return url.href
  }

  /** An empty run store in Postgres. */
  async store(): Promise<PostgresStore> {
    const store = await PostgresStore.open(await this.database())
    this.open.defer(() => store.close())
    return store
  }

  /** An empty run store in memory. */
  memoryStore(): RunStore {
    return memoryStore()
  }

  /** A database and workers, each a process of its own. */
  async cluster(options: { workers?: number; slots?: number } = {}): Promise<Cluster> {
    const cluster = await Cluster.open(this, options)
    this.open.defer(() => cluster.close())
    return cluster
  }

  /** A database, an agent that starts processes, and the flow hello deployed. */
  async platform(limit: number): Promise<Platform> {
    const platform = await Platform.open(this, limit)
    this.open.defer(() => platform.close())
    return platform
  }

  /** A process; it is killed when the benchmark is over. */
  child(file: string, args: readonly string[], options: ChildOptions = {}): Child {
    const child = new Child(file, args, options)
    this.children.add(child)
    void child.exited.then(() => this.children.delete(child))
    return child
  }

  /** A process of the Node that runs this one. */
  node(args: readonly string[], options: ChildOptions = {}): Child {
    return this.child(process.execPath, args, options)
  }

  /** A process of the command `millrace`. */
  millrace(args: readonly string[], options: ChildOptions = {}): Child {
    return this.node([join(ROOT, 'platform/cli/bin/millrace.mjs'), ...args], options)
  }

  close(): Promise<void> {
    this.closing ??= this.open.disposeAsync()
    return this.closing
  }

  private async startServer(): Promise<string> {
    const server = await startEmbeddedPostgres({ dir: await this.folder() })
    this.open.defer(() => server.stop())
    return server.url
  }

  private async endChildren(): Promise<void> {
    const going = [...this.children]
    for (const child of going) child.kill('SIGKILL')
    await Promise.all(going.map((child) => child.exited))
  }
}
