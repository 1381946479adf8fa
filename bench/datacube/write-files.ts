import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** Path of a file below its folder, and its bytes. */
export type FileSize = readonly [path: string, size: number]

interface Share {
  readonly folder: string
  readonly files: readonly FileSize[]
}

/** Writes files of these names and sizes and does nothing else, on as many threads as the flow has. */
export async function writeFiles(
  folder: string,
  files: readonly FileSize[],
): Promise<{ seconds: number; cpuSeconds: number }> {
  const threads = availableParallelism()
  // One after the other, so that threads do not wait for each other's folders; as a person would write it.
  const size = Math.ceil(files.length / threads)
  const workers = Array.from({ length: threads }, (_, index) => {
    const share: Share = { folder, files: files.slice(index * size, (index + 1) * size) }
    return new Worker(new URL(import.meta.url), { workerData: share })
  })
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('online', resolve))))
  const ended = workers.map(
    (worker) =>
      new Promise<void>((resolve, reject) => {
        worker.once('error', reject).once('exit', () => resolve())
      }),
  )
  const before = process.cpuUsage()
  const began = performance.now()
  for (const worker of workers) worker.postMessage('go')
  await Promise.all(ended)
  const { user, system } = process.cpuUsage(before)
  return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6 }
}

function writeShare({ folder, files }: Share): void {
  const data = new Uint8Array(files.reduce((most, [, size]) => Math.max(most, size), 0)).fill(49)
  const made = new Set<string>()
  for (const [path, size] of files) {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (!made.has(parent)) {
      mkdirSync(`${folder}/${parent}`, { recursive: true })
      made.add(parent)
    }
    writeFileSync(`${folder}/${path}`, data.subarray(0, size))
  }
}

if (!isMainThread) parentPort?.once('message', () => writeShare(workerData as Share))
