import { execFileSync } from 'node:child_process'
import { cp, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Bench, ROOT } from './bench.ts'

/** What a project can do without, or makes itself. */
const NOT_COPIED = new Set(['node_modules', '.git', '.millrace', '.venv', 'out', 'bench', 'test', 'docs'])

/** A copy of the project as it is now, with its packages, committed on main: to be changed and deployed from. */
export async function copyProject(bench: Bench): Promise<string> {
  const folder = await bench.folder()
  await cp(ROOT, folder, { recursive: true, filter: (path) => path === ROOT || !NOT_COPIED.has(basename(path)) })
  git(folder, 'init', '--quiet', '--initial-branch', 'main')
  git(folder, 'config', 'user.name', 'Ada')
  git(folder, 'config', 'user.email', 'ada@example.org')
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--message', 'All of it')
  // To git a link is no folder, and nothing that .gitignore speaks of.
  await writeFile(join(folder, '.git/info/exclude'), 'node_modules\n')
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** @throws when git does not do it */
export function git(folder: string, ...args: readonly string[]): void {
  execFileSync('git', args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
}
