import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, ROOT } from '../harness/bench.ts'
import { SkippedError } from '../harness/benchmark.ts'

/**
 * Puts the newest Dask into a virtual environment of its own, `bench/.venv`.
 * @returns the Python in it
 * @throws SkippedError where there is no Python or no package index
 */
export async function installDask(bench: Bench): Promise<string> {
  const folder = join(ROOT, 'bench/.venv')
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  if (!existsSync(python)) {
    const { code } = await bench.child('python3', ['-m', 'venv', folder]).exited
    if (code !== 0) throw new SkippedError('there is no Python 3 with the module venv here')
  }
  const install = ['-m', 'pip', 'install', '--quiet', '--upgrade', 'dask[distributed]', 'uvloop']
  const { code } = await bench.child(python, install).exited
  if (code === 0) return python
  const present = await bench.child(python, ['-c', 'import distributed, uvloop']).exited
  if (present.code === 0) return python
  throw new SkippedError('Dask is not here, and the Python package index cannot be reached')
}
