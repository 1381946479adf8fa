import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The versions of packages that a project's package-lock.json sets down, by where they are installed; none without one. */
export function lockedVersions(root: string): ReadonlyMap<string, string> {
  const file = join(root, 'package-lock.json')
  if (!existsSync(file)) return new Map()
  const { packages = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
    packages?: Record<string, { version?: string }>
  }
  return new Map(Object.entries(packages).flatMap(([path, { version }]) => (version ? [[path, version]] : [])))
}
