import { createRun, type DriveOptions, driveRun, type ExecutorKind, loadFlow, PostgresStore } from '@millrace/engine'

interface Options {
  readonly database: string
  readonly root: string
  readonly flow: string
  readonly executor: ExecutorKind
  /** A run to go on with; without, a new one is made. */
  readonly run?: string
  readonly params?: unknown
  /** Milliseconds to wait for a database that goes away. */
  readonly patience?: number
  readonly reaper?: DriveOptions['reaper']
  readonly slots?: number
}

/** A driver as a process of its own: says `run ID`, log lines, and how the run ended. SIGINT cancels the run. */
const options = JSON.parse(process.argv[2] ?? '{}') as Options

process.stdin.on('end', () => process.exit(0)).resume()
const cancel = new AbortController()
process.on('SIGINT', () => cancel.abort('interrupted'))
try {
  const store = await PostgresStore.open(options.database, {
    ...(options.patience !== undefined && { patience: options.patience }),
  })
  const { flow, source } = await loadFlow(options.root, options.flow)
  const { executor, params, root } = options
  if (options.run) await store.reopen(options.run, source)
  const id = options.run ?? (await createRun({ flow, source, params, executor, store })).id
  console.log(`run ${id}`)
  const { run, result, error } = await driveRun(id, {
    flow,
    store,
    root,
    signal: cancel.signal,
    ...(options.reaper && { reaper: options.reaper }),
    ...(options.slots && { slots: options.slots }),
    onLog: (source, { level, message }) => console.log(`log ${source} ${level} ${message}`),
  })
  console.log(`memory ${process.resourceUsage().maxRSS * 1024}`)
  console.log(`ended ${run.state} ${JSON.stringify({ result, error: error?.message })}`)
  await store.close()
  process.exit(0)
} catch (error) {
  console.log(`failed ${(error as Error).name}: ${(error as Error).message}`)
  process.exit(1)
}
