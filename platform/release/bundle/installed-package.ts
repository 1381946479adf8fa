import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What is read of a package's package.json. */
export interface PackageJson {
  readonly name?: string
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly gypfile?: boolean
  readonly binary?: unknown
}

export interface InstalledPackage {
  readonly name: string
  readonly folder: string
  readonly json: PackageJson
}

/** `@scope/name` of `@scope/name/part`, `name` of `name/part`. */
export function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The package that Node finds under a name, looked for from a folder upwards. */
export function findPackage(name: string, from: string): InstalledPackage | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(join(found, 'package.json'))) return { name, folder: found, json: readPackage(found) }
    if (folder === dirname(folder)) return undefined
  }
}

/** The package that a file belongs to. */
export function packageAround(file: string): PackageJson {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) {
      const json = readPackage(folder)
      // One without a name only says how the files around it are to be read.
      if (json.name !== undefined) return json
    }
    if (folder === dirname(folder)) return {}
  }
}

function readPackage(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson
}
