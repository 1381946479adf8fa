import { join } from 'node:path'
import { type Bench, ROOT } from '../harness/bench.ts'
import { pythonWith } from '../harness/python.ts'

/**
 * Puts the newest Prefect into a virtual environment of its own, `bench/prefect/.venv`.
 * @returns the Python in it
 * @throws SkippedError where there is no Python or no package index
 */
export function installPrefect(bench: Bench): Promise<string> {
  return pythonWith(bench, { folder: join(ROOT, 'bench/prefect/.venv'), packages: ['prefect'], modules: ['prefect'] })
}
