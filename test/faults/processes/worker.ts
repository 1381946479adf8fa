import { Worker, type WorkerOptions } from '@millrace/engine'

/** A worker as a process of its own. Its options come as JSON; it ends when whoever started it does. */
const options = JSON.parse(process.argv[2] ?? '{}') as WorkerOptions & { patience?: number }

process.stdin.on('end', () => process.exit(0)).resume()
try {
  const worker = await Worker.start({ ...options, onMessage: (text) => console.log(`worker: ${text}`) })
  process.on('SIGTERM', () => void worker.stop(options.patience))
  console.log('ready')
  await Promise.race([worker.stopped, worker.failed])
  console.log('stopped')
  process.exit(0)
} catch (error) {
  console.log(`failed: ${(error as Error).message}`)
  process.exit(1)
}
