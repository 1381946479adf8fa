import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Whose a file is. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Whether this process is root, as which Postgres does not run. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0
}

/** The owner of `path`, or of the nearest folder above it that exists. */
export function ownerOf(path: string): Owner {
  let nearest = path
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest)
  const { uid, gid } = statSync(nearest)
  return { uid, gid }
}

/**
 * Makes `folder` and those above it. Made by root in somebody's project they become theirs, like everything that
 * {@link giveToOwner} finds in it later: they must be able to go on without root.
 */
export function makeFolder(folder: string): void {
  const owner = ownerOf(folder)
  const first = mkdirSync(folder, { recursive: true })
  if (first === undefined) return
  chmodSync(folder, 0o711) // nothing in it is for others, but the server's own user passes through
  if (!isRoot() || owner.uid === 0) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) chownSync(made, owner.uid, owner.gid)
}

/** Gives the files in `folder` to its owner; the data are the server's already. */
export function giveToOwner(folder: string): void {
  const owner = ownerOf(folder)
  if (!isRoot() || owner.uid === 0) return
  for (const name of readdirSync(folder)) if (name !== 'data') chownSync(join(folder, name), owner.uid, owner.gid)
}

/** Gives `folder` and everything in it to `owner`. */
export function give(folder: string, owner: Owner): void {
  chownSync(folder, owner.uid, owner.gid)
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isSymbolicLink() && lstatSync(path).uid !== owner.uid) chownSync(path, owner.uid, owner.gid)
  }
}
