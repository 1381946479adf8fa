import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { posix, relative } from 'node:path'
import { allOrMistake } from '../all-or-mistake.ts'
import type { Lockfile } from './lockfile.ts'

const READ_AT_ONCE = 16

/** One file of an image, one link, or a package: then `file` is its folder, and what is needed to run it is meant. */
export interface TreeFile {
  /** Below `/app` in the image, with "/". */
  readonly path: string
  readonly content: { readonly file: string } | { readonly text: string } | { readonly link: string }
  /** What it is counted with: `node`, `ours`, the name of a package. */
  readonly part: string
}

/** What package-lock.json says of the packages that are installed in a project. */
export interface Installed {
  /** The project's folder. */
  readonly root: string
  readonly lock: Lockfile
}

/**
 * A line for each file, in order of path, with what says what is in it: the SHA-256 of its content, or, for a package and
 * files of one, the package's digest in package-lock.json, so that some hundred megabytes need not be read. Modes, times
 * and places on this machine do not matter, nor does whether packages are installed.
 */
export async function treeLines(files: readonly TreeFile[], installed: Installed): Promise<string[]> {
  const inOrder = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  return await allOrMistake(inOrder, (each) => lineOf(each, installed), READ_AT_ONCE)
}

async function lineOf({ path, content }: TreeFile, installed: Installed): Promise<string> {
  const name = JSON.stringify(path)
  if ('link' in content) return `${name} -> ${content.link}`
  if ('text' in content) return `${name} ${sha256(content.text)}`
  return `${name} ${lockedDigest(content.file, installed) ?? sha256(await readFile(content.file))}`
}

const PACKAGE = /^(?<place>(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+)(?<inside>\/.*)?$/

/** What says what is in a file of a package, or in all of it; undefined for files of ours. */
export function lockedDigest(file: string, { root, lock }: Installed): string | undefined {
  const { place = '', inside = '' } = PACKAGE.exec(relative(root, file).split('\\').join(posix.sep))?.groups ?? {}
  const digest = lock[place]?.integrity
  return digest === undefined ? undefined : `${digest}${inside}`
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
