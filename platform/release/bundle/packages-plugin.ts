import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname } from 'node:path'
import type { Plugin } from 'rolldown'
import { findPackage, packageAround, packageName } from './installed-package.ts'
import { placeOf } from './place.ts'
import { staysOutside } from './stays-outside.ts'

/** A package that a module imports and that stays outside. */
export interface Outside {
  readonly importer: string
  readonly specifier: string
  readonly name: string
  readonly version: string
  /** It is loaded by `require`. */
  readonly isCall: boolean
}

/** Keeps packages outside that cannot be bundled, and finds those that are not installed. */
export class PackagesPlugin {
  readonly outside: Outside[] = []
  readonly faults: string[] = []
  private readonly root: string

  constructor(root: string) {
    this.root = root
  }

  get plugin(): Plugin {
    return {
      name: 'millrace-packages',
      resolveId: {
        // Packages only: neither paths, nor what a package calls its own parts ("#part").
        filter: { id: /^[a-z@_~]/i },
        handler: (specifier, importer, { kind }) => {
          if (importer === undefined || specifier.includes(':')) return null
          if (isBuiltin(specifier)) return { id: `node:${specifier}`, external: true }
          return this.resolve(specifier, importer, kind)
        },
      },
    }
  }

  private resolve(specifier: string, importer: string, kind: string): { id: string; external: true } | null {
    const name = packageName(specifier)
    const external = { id: specifier, external: true } as const
    if (isOptional(name, importer)) return external
    const found = findPackage(name, dirname(importer))
    if (!found) {
      // `require` and `import()` may stand where a failure is expected; of a package, that is its own affair.
      if (kind !== 'import-statement' && importer.includes('node_modules')) return external
      this.faults.push(`${this.lineOf(specifier, importer)}: the package "${name}" is not installed; npm install it`)
      return external
    }
    if (!staysOutside(found)) return null
    this.outside.push({ importer, specifier, name, version: found.json.version ?? '', isCall: kind === 'require-call' })
    return external
  }

  private lineOf(specifier: string, importer: string): string {
    const place = placeOf(this.root, importer) ?? importer
    const lines = readFileSync(importer, 'utf8').split('\n')
    const index = lines.findIndex((line) => line.includes(`'${specifier}'`) || line.includes(`"${specifier}"`))
    return index < 0 ? place : `${place}:${index + 1}`
  }
}

/** What a package can do without is installed on some systems only, and so is never part of a bundle, nor needed. */
function isOptional(name: string, importer: string): boolean {
  if (!importer.includes('node_modules')) return false
  const { optionalDependencies = {}, peerDependenciesMeta = {} } = packageAround(importer)
  return name in optionalDependencies || peerDependenciesMeta[name]?.optional === true
}
