import { statSync } from 'node:fs'
import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Bench } from '../harness/bench.ts'
import { watchProcess } from '../harness/process-usage.ts'
import { type FileSize, writeFiles } from './write-files.ts'

export interface Measurement {
  readonly files: number
  readonly bytes: number
  /** From the start of the command to its end. */
  readonly seconds: number
  /** Processor time; the machine may have been busy with other things. */
  readonly cpuSeconds: number
  /** Most bytes resident at one time. */
  readonly peakMemory: number
  /** The same files, written by a program that does nothing else. */
  readonly alone: { readonly seconds: number; readonly cpuSeconds: number }
}

/**
 * Runs the flow by the command line, and then writes the same files alone.
 *
 * @param parent a folder that is emptied only when everything is measured
 * @param given parameters of the flow, but for where it writes
 */
export async function measureDatacube(bench: Bench, parent: string, given: object): Promise<Measurement> {
  const folder = await mkdtemp(join(parent, 'run-'))
  const output = join(folder, 'output')
  const params = join(folder, 'params.json')
  const bucket = pathToFileURL(output).href
  await writeFile(params, JSON.stringify({ ...given, model_bucket: bucket }))
  const began = performance.now()
  const child = bench.millrace(['run', 'datacube', '--params-file', params, '--quiet'])
  const usage = watchProcess(child.pid)
  await child.done()
  const seconds = (performance.now() - began) / 1000
  const { peakMemory, cpuSeconds } = usage()
  const files = await filesBelow(output)
  const alone = await writeFiles(join(folder, 'alone'), files)
  return {
    files: files.length,
    bytes: files.reduce((sum, [, size]) => sum + size, 0),
    seconds,
    cpuSeconds,
    peakMemory,
    alone,
  }
}

async function filesBelow(folder: string): Promise<FileSize[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path.slice(folder.length + 1), statSync(path).size]
    })
}
