import { setTimeout as sleep } from 'node:timers/promises'
import { createRun, driveRun, liveWorkers, loadFlow, queueDepth, tellWorker, type WorkerRow } from '@millrace/engine'
import { formatBytes, UserError } from '@millrace/sdk'
import { ago, table } from '../output/table.ts'
import { count, root } from '../project.ts'
import { withStore } from '../with-store.ts'

interface ClusterOptions {
  readonly database: string
  readonly json?: boolean
  readonly watch?: boolean
}

/** `millrace cluster ping`: is there a cluster, and how fast is it? */
export async function ping(options: ClusterOptions & { tasks: string }): Promise<void> {
  const tasks = count(options.tasks, '--tasks')
  await withStore(options, async (store) => {
    // Its runs are of no pool: the workers of named clusters leave them alone.
    const all = await liveWorkers(store.database)
    const workers = all.filter(({ pool }) => pool === null)
    if (workers.length === 0) throw all.length === 0 ? noWorkers() : onlyOthers(all)
    const loaded = await loadFlow(root, 'burn')
    const measure = async (params: Record<string, unknown>): Promise<{ ms: number; medianMs?: number }> => {
      const run = await createRun({ ...loaded, params, executor: 'cluster', store })
      let began = 0
      const driven = await driveRun(run.id, { ...loaded, store, root, onStart: () => (began = performance.now()) })
      if (driven.error) throw driven.error
      return { ...(driven.result as { medianMs?: number }), ms: performance.now() - began }
    }
    await measure({ tasks: 2 * workers.length })
    const { medianMs: roundTrip = 0 } = await measure({ tasks: 50, inTurn: true })
    const { ms } = await measure({ tasks })
    const answer = {
      workers: workers.length,
      tasks,
      ms: Math.round(ms),
      tasksPerSecond: Math.round((tasks / ms) * 1000),
      roundTripMs: Number(roundTrip.toFixed(1)),
    }
    if (options.json) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
    else {
      process.stdout.write(
        `${answer.workers} workers; one task there and back in ${answer.roundTripMs} ms; ${tasks} tasks in ${answer.ms} ms (${answer.tasksPerSecond.toLocaleString('en')}/s)\n`,
      )
    }
  })
}

/** `millrace cluster status` */
export async function status(options: ClusterOptions & { pool?: string }): Promise<void> {
  const isAsked = ({ pool }: { readonly pool?: string | null | undefined }): boolean =>
    options.pool === undefined || pool === options.pool
  await withStore(options, async (store) => {
    do {
      const [allWorkers, queue, { runs: allRuns }] = await Promise.all([
        liveWorkers(store.database),
        queueDepth(store.database, options.pool),
        store.listRuns({ states: ['Running', 'Retrying', 'Paused', 'Cancelling'], limit: 100 }),
      ])
      const [workers, runs] = [allWorkers.filter(isAsked), allRuns.filter(isAsked)]
      if (options.json) process.stdout.write(`${JSON.stringify({ workers, queue, runs: runs.length }, null, 2)}\n`)
      else {
        const clear = options.watch && process.stdout.isTTY ? '\x1b[2J\x1b[H' : ''
        const head = `${workers.length} workers, ${runs.length} runs going, ${queue.running} tasks running, ${queue.waiting} waiting`
        const tables = [
          ...(queue.pools.some(({ pool }) => pool !== null) ? [poolTable(queue, workers)] : []),
          ...(workers.length > 0 ? [workerTable(workers)] : []),
        ]
        process.stdout.write(`${clear}${head}\n${tables.map((each) => `\n${each}\n`).join('')}`)
      }
      if (options.watch) await sleep(1000)
    } while (options.watch)
  })
}

function poolTable({ pools }: Awaited<ReturnType<typeof queueDepth>>, workers: readonly WorkerRow[]): string {
  const rows = pools.map(({ pool, running, waiting }) => [
    pool ?? '-',
    workers.filter((worker) => worker.pool === pool).length,
    running,
    waiting,
  ])
  return table([['POOL', 'WORKERS', 'RUNNING', 'WAITING'], ...rows])
}

function workerTable(workers: readonly WorkerRow[]): string {
  const rows = workers.map((worker) => [
    worker.name,
    `${worker.host}:${worker.pid}`,
    worker.state,
    worker.slots,
    worker.running,
    worker.finished,
    formatBytes(worker.memory),
    worker.pool ?? '-',
    worker.labels.join(','),
    ago(worker.started),
  ])
  return table([
    ['WORKER', 'PROCESS', 'STATE', 'SLOTS', 'HOLDS', 'DONE', 'MEMORY', 'POOL', 'LABELS', 'STARTED'],
    ...rows,
  ])
}

/** `millrace cluster drain|restart [WORKER…]` */
export async function tellWorkers(
  verb: 'drain' | 'restart',
  names: readonly string[],
  options: ClusterOptions,
): Promise<void> {
  await withStore(options, async (store) => {
    const workers = await liveWorkers(store.database)
    if (workers.length === 0) throw noWorkers()
    const missing = names.find((name) => !workers.some((worker) => worker.name === name))
    if (missing !== undefined) {
      throw new UserError(`there is no worker "${missing}"`, `Workers: ${workers.map(({ name }) => name).join(', ')}.`)
    }
    for (const worker of workers.filter(({ name }) => names.length === 0 || names.includes(name))) {
      await tellWorker(store.database, worker.id, verb)
      process.stdout.write(`${worker.name} told to ${verb}\n`)
    }
  })
}

function noWorkers(): UserError {
  return new UserError(
    'no worker is connected',
    'Start one with "millrace worker start", or the local platform with "millrace start".',
  )
}

function onlyOthers(workers: readonly WorkerRow[]): UserError {
  const pools = [...new Set(workers.map(({ pool }) => pool))].join(', ')
  return new UserError(
    `all workers that are connected are of pools of their own: ${pools}`,
    'Start one that is of none, with "millrace worker start".',
  )
}
