import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const NOT_COPIED = new Set(['node_modules', '.git', '.millrace', 'out', 'golden', 'results', '.venv'])

/** A copy of the project in a folder of its own, with its packages, for a test to work in as a person would. */
export async function copyProject(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-project-'))
  await cp(ROOT, folder, { recursive: true, filter: (path) => !NOT_COPIED.has(path.split('/').at(-1) ?? '') })
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}
