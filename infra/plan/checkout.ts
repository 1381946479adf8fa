import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { PlanError } from './plan-error.ts'

const run = promisify(execFile)

/**
 * Lets `use` work with the tree of a commit, checked out beside ours and gone afterwards, also when it is interrupted.
 * Packages are those that are installed here, but for our own, which are the commit's.
 * @param ref a commit, tag or branch
 * @throws PlanError when there is no such commit
 */
export async function withCheckout<T>(
  root: string,
  ref: string,
  use: (checkout: { root: string; commit: string }) => Promise<T>,
): Promise<T> {
  const commit = await commitOf(root, ref)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-plan-'))
  const tree = join(folder, 'tree')
  try {
    await git(root, 'worktree', 'add', '--detach', '--quiet', tree, commit)
    await linkPackages(root, tree)
    return await use({ root: tree, commit })
  } finally {
    await rm(folder, { recursive: true, force: true })
    // Git forgets worktrees whose folder is gone.
    await git(root, 'worktree', 'prune')
  }
}

async function commitOf(root: string, ref: string): Promise<string> {
  try {
    return (await git(root, 'rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)).trim()
  } catch {
    throw new PlanError(`there is no commit "${ref}" here; give a commit, tag or branch, for instance HEAD~1 or main`, {
      isMistake: true,
    })
  }
}

/** Without the hooks of the repository: a plan starts nothing but the program. */
async function git(root: string, ...args: string[]): Promise<string> {
  return (await run('git', ['-c', 'core.hooksPath=/dev/null', ...args], { cwd: root })).stdout
}

async function linkPackages(from: string, to: string): Promise<void> {
  const folders = await workspaces(to)
  for (const folder of ['.', ...folders]) {
    const modules = join(from, folder, 'node_modules')
    if (existsSync(modules)) await linkFolder(modules, join(to, folder, 'node_modules'))
  }
  for (const folder of folders) {
    const { name } = JSON.parse(await readFile(join(to, folder, 'package.json'), 'utf8'))
    await link(join(to, folder), join(to, 'node_modules', name))
  }
}

/** Folders of a tree's own packages. */
async function workspaces(tree: string): Promise<string[]> {
  const { workspaces = [] } = JSON.parse(await readFile(join(tree, 'package.json'), 'utf8'))
  return workspaces.filter((folder: string) => existsSync(join(tree, folder, 'package.json')))
}

/** Links what is in one node_modules from another; our own packages are left to the tree that they belong to. */
async function linkFolder(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  for (const name of await readdir(from)) {
    if (name === '@millrace' || name.startsWith('.')) continue
    if (name.startsWith('@')) await linkFolder(join(from, name), join(to, name))
    else await link(join(from, name), join(to, name))
  }
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path, 'junction')
}
