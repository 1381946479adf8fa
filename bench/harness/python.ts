import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { SkippedError } from './benchmark.ts'

export interface PythonPackages {
  /** Of the virtual environment. */
  readonly folder: string
  /** As pip names them; the newest are installed. */
  readonly packages: readonly string[]
  /** Modules of them. Where the package index cannot be reached, those that are there will do. */
  readonly modules: readonly string[]
}

/**
 * Puts the newest packages into a virtual environment of their own.
 * @returns the Python in it
 * @throws SkippedError where there is no Python or no package index
 */
export async function pythonWith(bench: Bench, { folder, packages, modules }: PythonPackages): Promise<string> {
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
  if (!existsSync(python)) {
    const { code } = await bench.child('python3', ['-m', 'venv', folder]).exited
    if (code !== 0) throw new SkippedError('there is no Python 3 with the module venv here')
  }
  const { code } = await bench.child(python, ['-m', 'pip', 'install', '--quiet', '--upgrade', ...packages]).exited
  if (code === 0) return python
  const present = await bench.child(python, ['-c', `import ${modules.join(', ')}`]).exited
  if (present.code === 0) return python
  throw new SkippedError(`${packages.join(', ')} cannot be installed: the Python package index cannot be reached`)
}
