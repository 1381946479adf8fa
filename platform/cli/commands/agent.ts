import { join } from 'node:path'
import { type AgentNews, type Launcher, openLauncher, startAgent as start, sweep } from '@millrace/agents'
import type { Database } from '@millrace/engine'
import { localRecords } from '@millrace/release/records'
import { milliseconds, store as openRecordStore, UserError } from '@millrace/sdk'
import { paint } from '../output/log-line.ts'
import { table } from '../output/table.ts'
import { count, openStore, root } from '../project.ts'
import { whenSupervisorEnds } from '../supervise.ts'
import { withStore } from '../with-store.ts'

/** Where an agent launches. */
export interface LauncherOptions {
  readonly launcher: string
  readonly stack: string
  readonly project?: string
  readonly region?: string
  readonly network?: string
  readonly namespace?: string
  readonly database?: string
}

export interface AgentOptions extends LauncherOptions {
  readonly labels: readonly string[]
  readonly label?: readonly string[]
  readonly limit?: string
  readonly name?: string
  readonly store?: string
  readonly jobDatabase?: string
  readonly port?: string
  readonly drainTimeout: string
}

/** `millrace agent start`: runs until it is told to stop. */
export async function startAgent(options: AgentOptions): Promise<void> {
  const patience = milliseconds(options.drainTimeout, '--drain-timeout')
  const limit = options.limit === undefined ? undefined : count(options.limit, '--limit')
  const { url, close } = await openStore(options.database, { create: true })
  try {
    const records = recordsOf(options)
    const labels = [...new Set([...options.labels, ...(options.label ?? [])])]
    const started = await start({
      launcher: options.launcher,
      where: where(options),
      database: url,
      labels,
      exclusive: options.label !== undefined,
      ...(records !== undefined && { records: openRecordStore(records) }),
      // Programs that were compiled once start in half the time.
      environment: { NODE_COMPILE_CACHE: join(root, '.millrace', 'compiled') },
      store: process.env.MILLRACE_STORE ?? `file:${join(root, '.millrace').replaceAll('%', '%25')}`,
      // The records of this machine are asked as often as one likes.
      ...(records?.startsWith('file:') && { every: { follow: 500 } }),
      tell: say,
      ...(options.jobDatabase !== undefined && { jobDatabase: options.jobDatabase }),
      ...(limit !== undefined && { limit }),
      ...(options.name !== undefined && { name: options.name }),
      ...(options.port !== undefined && { port: count(options.port, '--port') }),
    })
    const { agent } = started
    const takes = labels.length > 0 ? `, labels ${labels.join(', ')}` : ''
    write(`agent ${agent.name} is up: launcher ${options.launcher}${takes}`)
    let asked = 0
    const stop = (): void => {
      if (++asked > 1) process.exit(130)
      if (agent.running > 0) write(`agent ${agent.name}: waits for ${agent.running} runs; again to leave at once`)
      void started.stop(patience)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    whenSupervisorEnds(() => void started.stop(0))
    await Promise.race([agent.stopped, agent.failed])
    write(`agent ${agent.name}: stopped`)
  } finally {
    await close()
  }
  process.exit()
}

/**
 * The releases that say what is deployed in the agent's database. Those of this folder are of the local platform's: another
 * database has others, which its own agents follow.
 */
function recordsOf({ store, database, label }: AgentOptions): string | undefined {
  if (store !== undefined) return store
  return label === undefined && (database === undefined || database === 'local') ? localRecords(root) : undefined
}

/** `millrace sweep` */
export async function sweepOnce(options: LauncherOptions & { dryRun?: boolean; json?: boolean }): Promise<void> {
  await withStore(options, async ({ database }) => {
    const launcher = await openLauncher(options.launcher, where(options))
    try {
      await sweepPlace(database, launcher, options)
    } finally {
      await launcher.close()
    }
  })
}

async function sweepPlace(
  database: Database,
  launcher: Launcher,
  { dryRun = false, json }: { dryRun?: boolean; json?: boolean },
): Promise<void> {
  const { done, failed } = await sweep({ database, launcher, dryRun })
  if (json) {
    const faults = failed.map(({ action, error }) => ({ ...action, error: String(error) }))
    process.stdout.write(`${JSON.stringify({ place: launcher.place, dryRun, done, failed: faults }, null, 2)}\n`)
    return
  }
  if (done.length + failed.length === 0)
    process.stdout.write('Nothing to do: each run has its job, each job its run.\n')
  else {
    const rows = done.map(({ run, launch, do: what, why }) => [run, launch, dryRun ? `would ${what}` : what, why])
    if (rows.length > 0) process.stdout.write(`${table([['RUN', 'LAUNCH', 'WHAT', 'WHY'], ...rows])}\n`)
  }
  for (const { action, error } of failed) {
    process.stderr.write(`millrace: run ${action.run}: cannot ${action.do}: ${(error as Error).message}\n`)
  }
  if (failed.length > 0) throw new UserError(`${failed.length} things could not be done; the next sweep tries again`)
}

function where({ stack, project, region, network, namespace }: LauncherOptions) {
  return { stack, root, folder: join(root, '.millrace', 'jobs'), project, region, network, namespace }
}

function say(news: AgentNews): void {
  if (news.kind === 'message') write(news.level === 'info' ? news.text : `${news.level}: ${news.text}`, news.level)
  else if (news.kind === 'swept') {
    const { run, do: what, why } = news.action
    // Every run ends so: not worth a line.
    if (what !== 'remove' && what !== 'close') write(`run ${run}: ${what} (${why})`)
  } else if (news.kind === 'missing') write(`warn: ${news.text}`, 'warn')
  else write(`warn: ${news.waiting} runs wait in the queue ${news.queue}`, 'warn')
}

function write(text: string, level: 'info' | 'warn' | 'error' = 'info'): void {
  const color = { info: 'reset', warn: 'yellow', error: 'red' } as const
  process.stderr.write(`${paint('gray', new Date().toTimeString().slice(0, 8))} ${paint(color[level], text)}\n`)
}
