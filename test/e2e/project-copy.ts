import { execFileSync } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const NOT_COPIED = new Set(['node_modules', '.git', '.millrace', 'out', 'golden', 'results'])

/** A copy of the project in a folder of its own, with its packages, committed on main: for a test to work in as a person would. */
export async function copyProject(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-project-'))
  const isCopied = (path: string): boolean => {
    const name = path.split('/').at(-1) ?? ''
    return !NOT_COPIED.has(name) && !name.startsWith('.venv')
  }
  await cp(ROOT, folder, { recursive: true, filter: isCopied })
  git(folder, 'init', '--quiet', '--initial-branch', 'main')
  git(folder, 'add', '--all')
  git(folder, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', 'commit', '--quiet', '--message', 'All of it')
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

function git(cwd: string, ...args: string[]): void {
  execFileSync('git', args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}
