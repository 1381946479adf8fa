import { availableParallelism } from 'node:os'
import { Worker } from '@millrace/engine'
import { bytes, milliseconds } from '@millrace/sdk'
import { count, openStore, root } from '../project.ts'
import { RESTART, whenSupervisorEnds } from '../supervise.ts'

interface WorkerCommandOptions {
  readonly database: string
  readonly slots?: string
  readonly labels: readonly string[]
  readonly cluster?: string
  readonly name?: string
  readonly memory?: string
  readonly drainTimeout: string
}

/** `millrace worker start`: runs until it is told to stop. */
export async function startWorker(options: WorkerCommandOptions): Promise<void> {
  const slots = options.slots === undefined ? availableParallelism() : count(options.slots, '--slots')
  const patience = milliseconds(options.drainTimeout, '--drain-timeout')
  const memory = options.memory === undefined ? undefined : bytes(options.memory, '--memory')
  const { url, close } = await openStore(options.database)
  const say = (text: string): void => void process.stderr.write(`${text}\n`)
  try {
    const worker = await Worker.start({
      database: url,
      root,
      slots,
      labels: options.labels,
      memory,
      ...(options.cluster !== undefined && { cluster: options.cluster }),
      ...(options.name !== undefined && { name: options.name }),
      onMessage: (text) => say(`${worker?.name ?? 'worker'}: ${text}`),
    })
    const facts = [
      `${slots} slots`,
      ...(options.cluster === undefined ? [] : [`cluster ${options.cluster}`]),
      ...(options.labels.length > 0 ? [`labels ${options.labels.join(', ')}`] : []),
    ]
    say(`worker ${worker.name}: ${facts.join(', ')}`)
    let asked = 0
    const stop = (): void => {
      asked++
      // The second time a person means it: what runs is given back to the queue, for another worker.
      void worker.stop(asked === 1 ? patience : 0)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    whenSupervisorEnds(() => void worker.stop(0))
    await Promise.race([worker.stopped, worker.failed])
    say(`worker ${worker.name}: stopped`)
    if (worker.restartWanted) process.exitCode = RESTART
  } finally {
    await close()
  }
  process.exit()
}
