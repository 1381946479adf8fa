import { realpathSync } from 'node:fs'
import { sep } from 'node:path'
import { findPackage, type InstalledPackage, type PackageJson } from './installed-package.ts'

/**
 * Packages, or scopes of them, that stay outside besides those with compiled parts: clients of clouds, which are large
 * and which few runs need. Add what cannot be part of one file. All of it has to be in the runtime image.
 */
const KEPT_OUTSIDE = ['@aws-sdk/', '@google-cloud/']

/** Packages that a compiled part is built, found or downloaded with. */
const BUILDERS = new Set(['@mapbox/node-pre-gyp', 'bindings', 'node-addon-api', 'node-gyp-build', 'prebuild-install'])

/** The compiled part of a package for one system: `@duckdb/node-bindings-linux-x64`. */
const FOR_ONE_SYSTEM = /[-/](linux|darwin|win32|windows)\b/

/** Whether a package cannot be part of a bundle, or is too large for one. Packages of the project itself always are. */
export function staysOutside(found: InstalledPackage): boolean {
  return !isOurs(found) && (isKept(found.name) || hasNative(found, new Set()))
}

function isKept(name: string): boolean {
  return KEPT_OUTSIDE.some((kept) => (kept.endsWith('/') ? name.startsWith(kept) : name === kept))
}

/** Installed as a link to a folder of the project. */
function isOurs({ folder }: InstalledPackage): boolean {
  return !realpathSync(folder).split(sep).includes('node_modules')
}

/** A compiled part in it, or in what it depends on. */
function hasNative({ folder, json }: InstalledPackage, seen: Set<string>): boolean {
  if (seen.has(folder)) return false
  seen.add(folder)
  if (isNative(json)) return true
  return Object.keys(json.dependencies ?? {}).some((name) => {
    const found = findPackage(name, folder)
    return found !== undefined && hasNative(found, seen)
  })
}

/** Seen from what a package says of itself, and not from what is installed: that differs between systems. */
function isNative({ gypfile, binary, scripts, dependencies = {}, optionalDependencies = {} }: PackageJson): boolean {
  return (
    gypfile === true ||
    binary !== undefined ||
    /node-gyp|prebuild/.test(scripts?.install ?? '') ||
    Object.keys(dependencies).some((name) => BUILDERS.has(name)) ||
    Object.keys(optionalDependencies).some((name) => FOR_ONE_SYSTEM.test(name))
  )
}
