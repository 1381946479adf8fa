import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@millrace/sdk'

/** What package-lock.json says of one place where a package is, or of one of ours. */
export interface LockedPackage {
  readonly version?: string
  /** It is a link to the folder `resolved`: a package of ours. */
  readonly link?: boolean
  readonly resolved?: string
  /** SHA-512 of the package as it was published; a package of ours has none. */
  readonly integrity?: string
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** By place: `node_modules/zod`, `flows`. */
export type Lockfile = Readonly<Record<string, LockedPackage>>

/** @throws UserError when there is none */
export function readLockfile(root: string): Lockfile {
  const file = join(root, 'package-lock.json')
  if (!existsSync(file)) {
    throw new UserError(`there is no ${file}, which says what is in an image; make it with "npm install"`)
  }
  return (JSON.parse(readFileSync(file, 'utf8')) as { packages?: Lockfile }).packages ?? {}
}

/** The place of the package that a file in `folder` finds under a name. */
export function findLocked(lock: Lockfile, name: string, folder: string): string | undefined {
  for (let at = folder; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
    const place = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`
    if (lock[place]) return place
    if (at === '') return undefined
  }
}

/** The folder of a package of ours, by its name. */
export function ourFolder(lock: Lockfile, name: string): string | undefined {
  const found = lock[`node_modules/${name}`]
  return found?.link ? found.resolved : undefined
}
