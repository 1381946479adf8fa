import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@millrace/sdk'
import { findPackage } from '../bundle/installed-package.ts'
import { staysOutside } from '../bundle/stays-outside.ts'
import { findLocked, type LockedPackage, type Lockfile } from './lockfile.ts'
import { fits, type ImageSystem } from './system.ts'

/** A package that something asks for by name. */
export interface Wanted {
  readonly name: string
  /** Folder of who asks, by its path in the project. */
  readonly from: string
}

/**
 * The places (`node_modules/pg`) of the packages that are asked for and of all that these need to run: their
 * dependencies, optional ones for the image's system only. What is for development only is in none of these lists.
 * @throws UserError when one is not installed as package-lock.json says, and the image is to be written here
 */
export function neededPackages(
  root: string,
  lock: Lockfile,
  wanted: readonly Wanted[],
  system: ImageSystem,
): readonly string[] {
  const found = new Set<string>()
  const visit = ({ name, from }: Wanted, isOptional: boolean): void => {
    const place = findLocked(lock, name, from)
    const entry = place === undefined ? undefined : lock[place]
    if (place === undefined || !entry) {
      if (isOptional) return
      throw new UserError(`${from || 'the project'} needs the package ${name}, which package-lock.json does not have`)
    }
    if (found.has(place) || entry.link || (isOptional && !fits(entry, system))) return
    if (system.isHere !== false) checkInstalled(root, place, entry, system)
    found.add(place)
    for (const each of Object.keys(entry.dependencies ?? {})) {
      visit({ name: each, from: place }, each in (entry.optionalDependencies ?? {}))
    }
    for (const each of Object.keys(entry.optionalDependencies ?? {})) visit({ name: each, from: place }, true)
    for (const each of Object.keys(entry.peerDependencies ?? {})) {
      if (!entry.peerDependenciesMeta?.[each]?.optional) visit({ name: each, from: place }, true)
    }
  }
  for (const each of wanted) visit(each, false)
  return [...found].sort()
}

/** The packages of the flows that cannot be part of a bundle: bundles find them where they run. */
export function keptOutOfBundles(root: string, lock: Lockfile): readonly Wanted[] {
  const found: Wanted[] = []
  const seen = new Set<string>()
  const visit = (from: string, dependencies: LockedPackage['dependencies']): void => {
    for (const name of Object.keys(dependencies ?? {})) {
      const place = findLocked(lock, name, from)
      const entry = place === undefined ? undefined : lock[place]
      if (place === undefined || !entry || seen.has(place)) continue
      seen.add(place)
      const installed = findPackage(name, join(root, from))
      // What is part of a bundle may need something that is not.
      if (installed && staysOutside(installed)) found.push({ name, from })
      else if (!entry.link) visit(place, entry.dependencies)
    }
  }
  visit('flows', lock.flows?.dependencies)
  return found
}

function checkInstalled(root: string, place: string, { version }: LockedPackage, { cpu }: ImageSystem): void {
  const file = join(root, place, 'package.json')
  const here = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LockedPackage).version : undefined
  if (here === version) return
  const how = here === undefined ? 'is not installed here' : `is not what is installed here (${here})`
  throw new UserError(
    `${place.replace(/^.*node_modules\//, '')} ${version}, which the image is to have, ${how}`,
    `Install the packages of its system: npm ci --os=linux --cpu=${cpu} --libc=glibc`,
  )
}
