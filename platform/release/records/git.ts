import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { CommitFacts } from './release.ts'

const run = promisify(execFile)

/** What git says of a checkout, as far as a deploy goes by it. */
export interface GitFacts {
  /** Undefined before the first commit. */
  readonly commit: { readonly id: string; readonly time: string } | undefined
  /** Undefined where HEAD is detached. */
  readonly branch: string | undefined
  /** Files that are changed, or new and not ignored. */
  readonly changed: readonly string[]
  /** Undefined where nobody asked. */
  readonly origin: OriginFacts | undefined
}

/** What the repository `origin` has. */
export type OriginFacts =
  /** Why it did not answer. */
  | { readonly fault: string }
  | {
      /** Its main branch. */
      readonly main: string | undefined
      /** Commits that HEAD has and main has not, and the other way round; undefined where main's are not here. */
      readonly ahead: number | undefined
      readonly behind: number | undefined
      /** Tags of releases on HEAD's commit. */
      readonly tags: readonly string[]
    }

const ANSWER_WITHIN_MS = 30_000

/**
 * Asks git about a checkout.
 * @param origin what to ask `origin` for; it is not asked when left out
 * @returns undefined where there is no repository
 */
export async function gitFacts(
  root: string,
  origin?: { readonly main: string; readonly tagPrefix: string },
): Promise<GitFacts | undefined> {
  if ((await tryGit(root, 'rev-parse', '--git-dir')) === undefined) return undefined
  const [commit, branch, status] = await Promise.all([
    readCommit(root, 'show', 'HEAD'),
    tryGit(root, 'symbolic-ref', '--quiet', '--short', 'HEAD'),
    git(root, 'status', '--porcelain', '-z', '--untracked-files=all'),
  ])
  return {
    commit,
    branch,
    changed: changedFiles(status),
    origin: origin && commit && (await originFacts(root, commit.id, origin)),
  }
}

/** The code of a checkout, for a record. */
export function commitOf(facts: GitFacts | undefined): CommitFacts | undefined {
  if (!facts?.commit) return undefined
  return { ...facts.commit, ...(facts.changed.length > 0 && { modified: true }) }
}

/** What no release is made of: to change it is to release nothing. */
const NO_PART = ['docs', 'test', 'bench', '*.md'].map((path) => `:(exclude,top)${path}`)

/**
 * The last commit that changed what a release is made of, for the record that `up` writes: where only docs or tests
 * were changed since, the record is the same. It needs the whole history: a shallow clone ends with a commit that
 * seems to have made everything.
 * @returns undefined where there is no repository
 */
export async function releaseCommit(root: string): Promise<CommitFacts | undefined> {
  const paths = ['--', ':(top)', ...NO_PART]
  const commit = await readCommit(root, 'log', '-1', ...paths)
  if (!commit) return undefined
  const status = await git(root, 'status', '--porcelain', '-z', '--untracked-files=all', ...paths)
  return { ...commit, ...(status !== '' && { modified: true }) }
}

async function readCommit(root: string, command: string, ...args: string[]): Promise<GitFacts['commit']> {
  const text = await tryGit(root, command, '--no-patch', '--format=%H %cI', ...args)
  const [id = '', time = ''] = text?.split(' ') ?? []
  return text ? { id, time: new Date(time).toISOString() } : undefined
}

/** Each entry is two letters, a space and a path; that of a renamed file is followed by its old path. */
function changedFiles(status: string): string[] {
  const entries = status.split('\0').filter(Boolean)
  return entries.flatMap((entry, index) => (/^[RC]/.test(entries[index - 1] ?? '') ? [] : [entry.slice(3)]))
}

async function originFacts(
  root: string,
  head: string,
  { main, tagPrefix }: { readonly main: string; readonly tagPrefix: string },
): Promise<OriginFacts> {
  const [branchRef, tagRef] = [`refs/heads/${main}`, `refs/tags/${tagPrefix}`]
  let answer: string
  try {
    answer = await git(root, 'ls-remote', 'origin', branchRef, `${tagRef}*`)
  } catch (error) {
    return { fault: faultOf(error) }
  }
  const refs = answer.split('\n').map((line) => line.split('\t'))
  const tip = refs.find(([, ref]) => ref === branchRef)?.[0]
  const counts = tip && (await tryGit(root, 'rev-list', '--left-right', '--count', `${head}...${tip}`))
  const [ahead, behind] = counts ? counts.split('\t').map(Number) : []
  return {
    main: tip,
    ahead,
    behind,
    // Of a tag with a message there are two lines; the one that ends in "^{}" has the commit.
    tags: refs.flatMap(([id, ref = '']) =>
      id === head && ref.startsWith(tagRef) ? [ref.slice('refs/tags/'.length).replace(/\^\{\}$/, '')] : [],
    ),
  }
}

async function tryGit(cwd: string, ...args: string[]): Promise<string | undefined> {
  try {
    return (await git(cwd, ...args)).trim()
  } catch {
    return undefined
  }
}

/** Without the hooks of the repository, and as if called from nowhere: in a hook, git's variables name another tree. */
async function git(cwd: string, ...args: string[]): Promise<string> {
  const { GIT_DIR: _d, GIT_INDEX_FILE: _i, GIT_WORK_TREE: _w, GIT_PREFIX: _p, ...env } = process.env
  const options = {
    cwd,
    // Nobody is there to type a password.
    env: { ...env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
    timeout: ANSWER_WITHIN_MS,
    maxBuffer: 2 ** 26,
  }
  return (await run('git', ['-c', 'core.hooksPath=/dev/null', ...args], options)).stdout
}

/** The first line that git prints, without its "fatal: ". */
function faultOf(error: unknown): string {
  const { stderr = '', killed, message } = error as Error & { stderr?: string; killed?: boolean }
  if (killed) return 'it does not answer within 30 s'
  return (stderr.trim().split('\n')[0] || message).replace(/^fatal: /, '')
}
