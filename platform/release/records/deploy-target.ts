import { UserError } from '@millrace/sdk'
import type { GitFacts, OriginFacts } from './git.ts'
import type { StackSettings } from './stack-settings.ts'

/** Where a deploy goes: it is a release of the stack, or flows of a branch beside it. */
export type DeployTarget = { readonly kind: 'release' } | { readonly kind: 'branch'; readonly branch: string }

/** What a deploy was asked for. */
export interface DeployAsked {
  readonly branch?: string | undefined
  readonly image?: string | undefined
}

/**
 * Where a deploy of this checkout goes. A stack that is not open takes what has been released alone: what is committed,
 * and is origin's main or has the tag of a release there.
 * @param git undefined where there is no repository
 * @throws UserError when it may not go there, naming what is in the way
 */
export function deployTarget(asked: DeployAsked, settings: StackSettings, git: GitFacts | undefined): DeployTarget {
  const { stack, isOpen, main } = settings
  if (!isOpen) {
    if (asked.image !== undefined) {
      throw new UserError(`--image: ${stack} runs the images that were released; try an image on a branch, in dev`)
    }
    if (asked.branch !== undefined && asked.branch !== main) {
      throw new UserError(`--branch: ${stack} takes no branches; deploy "${asked.branch}" to dev`)
    }
    const fault = notAsReleased(settings, git)
    if (fault) throw new UserError(`cannot deploy to ${stack}: ${fault.why}`, fault.hint)
    return { kind: 'release' }
  }
  const branch = asked.branch ?? git?.branch
  if (branch === undefined) {
    const why = git ? 'HEAD is detached, on no branch' : 'this project is in no git repository'
    throw new UserError(
      `which branch is it that is deployed? ${why}; say --branch NAME (--branch ${main} for a release)`,
    )
  }
  if (branch !== main) return { kind: 'branch', branch }
  if (asked.image !== undefined) {
    throw new UserError(
      `--image: a release runs the images of its stack; try an image on a branch other than "${main}"`,
    )
  }
  return { kind: 'release' }
}

/** The first thing that is not as it was released, and what to do about it. */
function notAsReleased(
  { main, tagPrefix }: StackSettings,
  git: GitFacts | undefined,
): { readonly why: string; readonly hint?: string } | undefined {
  if (!git?.commit) return { why: 'this project is in no git repository, so nobody knows what it is' }
  const { changed, origin, commit } = git
  if (changed.length > 0) {
    const files = changed.length === 1 ? 'a file is' : `${changed.length} files are`
    return { why: `${files} not as committed: ${some(changed)}`, hint: 'Commit it, or put it aside: git stash -u' }
  }
  if (!origin || 'fault' in origin) return { why: `origin cannot be asked what ${main} is: ${origin?.fault ?? ''}` }
  if (origin.main === commit.id || origin.tags.length > 0) return undefined
  const head = `HEAD (${commit.id.slice(0, 7)})`
  return {
    why: `${head} is neither origin's ${main} nor a release tag that origin has: ${distance(origin, main)}`,
    hint: `Deploy what was merged (git switch ${main} && git pull), or a tag such as ${tagPrefix}1.2.3.`,
  }
}

function distance({ main: tip, ahead, behind }: Exclude<OriginFacts, { fault: string }>, main: string): string {
  if (tip === undefined) return `origin has no branch "${main}"`
  if (ahead === undefined || behind === undefined) return `it lacks what origin's ${main} has (${tip.slice(0, 7)})`
  const own = ahead > 0 ? `it has ${commits(ahead)} that origin's ${main} has not` : undefined
  const lacks = behind > 0 ? `it is ${commits(behind)} behind origin's ${main}` : undefined
  return [lacks, own].filter(Boolean).join(', and ')
}

function commits(count: number): string {
  return count === 1 ? 'one commit' : `${count} commits`
}

function some(files: readonly string[]): string {
  const shown = files.slice(0, 3).join(', ')
  return files.length > 3 ? `${shown}, …` : shown
}
