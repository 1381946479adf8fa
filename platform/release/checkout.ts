import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '@millrace/sdk'

const run = promisify(execFile)

/** The project as it was at a commit. */
export interface Checkout {
  /** Its folder. */
  readonly root: string
  readonly commit: string
}

/**
 * Lets `use` work with the project as it was at a commit, checked out below `.millrace` and gone afterwards, also when it
 * is interrupted. Packages are those that are installed here, found further up; our own are the commit's.
 * @param ref a commit, tag or branch
 * @param signal stops waiting for `use`
 * @throws UserError when there is no such commit, or no repository
 */
export async function withCheckout<T>(
  root: string,
  ref: string,
  use: (checkout: Checkout) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { commit, prefix } = await find(root, ref)
  await mkdir(join(root, '.millrace'), { recursive: true })
  const folder = await mkdtemp(join(root, '.millrace', 'checkout-'))
  try {
    const tree = join(folder, 'tree')
    await git(root, 'worktree', 'add', '--detach', '--quiet', tree, commit)
    const project = join(tree, prefix)
    await linkPackages(root, project)
    return await Promise.race([use({ root: project, commit }), rejectedBy(signal)])
  } finally {
    await rm(folder, { recursive: true, force: true })
    // Git forgets worktrees whose folder is gone.
    await git(root, 'worktree', 'prune')
  }
}

async function find(root: string, ref: string): Promise<{ commit: string; prefix: string }> {
  let prefix: string
  try {
    prefix = (await git(root, 'rev-parse', '--show-prefix')).trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new UserError(code === 'ENOENT' ? 'git is not installed' : `${root} is not in a git repository`)
  }
  try {
    const name = `${ref}^{commit}`
    return { prefix, commit: (await git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', name)).trim() }
  } catch {
    throw new UserError(`there is no commit "${ref}" here; give a commit, tag or branch, for instance HEAD~1 or main`)
  }
}

/** Without the hooks of the repository, and as if called from nowhere: in a hook, git's variables name another tree. */
async function git(cwd: string, ...args: string[]): Promise<string> {
  const { GIT_DIR: _d, GIT_INDEX_FILE: _i, GIT_WORK_TREE: _w, GIT_PREFIX: _p, ...env } = process.env
  return (await run('git', ['-c', 'core.hooksPath=/dev/null', ...args], { cwd, env })).stdout
}

function rejectedBy(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal?.aborted) reject(signal.reason)
  })
}

/** Links the tree's own packages into it, and what is installed for one of them alone. */
async function linkPackages(root: string, tree: string): Promise<void> {
  for (const [name, folder] of await ownPackages(tree)) {
    await link(join(tree, folder), join(tree, 'node_modules', name))
    const modules = join(root, folder, 'node_modules')
    if (existsSync(modules)) await link(modules, join(tree, folder, 'node_modules'))
  }
}

/** Folders of a project's own packages, by name. */
async function ownPackages(root: string): Promise<Map<string, string>> {
  const read = async (folder: string): Promise<{ name?: string; workspaces?: string[] }> =>
    existsSync(join(root, folder, 'package.json'))
      ? JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'))
      : {}
  const { workspaces = [] } = await read('.')
  const named = await Promise.all(workspaces.map(async (folder) => [(await read(folder)).name, folder] as const))
  return new Map(named.flatMap(([name, folder]) => (name === undefined ? [] : [[name, folder]])))
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path, 'junction')
}
