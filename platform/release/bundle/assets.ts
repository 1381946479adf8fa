import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '@millrace/sdk'
import { flowPath } from '@millrace/sdk/project'
import { Ignored } from './ignored.ts'
import { placeOf } from './place.ts'

const CODE = /\.[cm]?[jt]sx?$/

/** A file that ships with a bundle, for the flow to read when it runs. */
export interface Asset {
  /** Its path in the project, and in the folder of the bundle's files. */
  readonly path: string
  /** Where it is now. */
  readonly file: string
  readonly size: number
  readonly sha256: string
}

/**
 * The files that ship with a flow: what lies in its folder and is not code, minus what is ignored, and what its code
 * names, wherever that is and whether it is ignored or not.
 * @param named files and folders that the code names
 * @throws UserError for a file that cannot ship
 */
export function findAssets(root: string, flow: string, named: readonly string[]): Asset[] {
  const files = new Set([dirname(join(root, flowPath(flow))), ...named].flatMap((path) => filesAt(root, path)))
  return [...files].map((file) => readAsset(root, file)).sort((a, b) => (a.path < b.path ? -1 : 1))
}

function filesAt(root: string, path: string): string[] {
  return statSync(path).isDirectory() ? filesIn(path, Ignored.below(root, path)) : [path]
}

/** Links to files are followed, links to folders are not. */
function filesIn(folder: string, ignored: Ignored): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return ignored.has(`${path}/`) ? [] : filesIn(path, ignored)
    if (CODE.test(entry.name) || ignored.has(path)) return []
    return statSync(path, { throwIfNoEntry: false })?.isFile() ? [path] : []
  })
}

function readAsset(root: string, file: string): Asset {
  const path = placeOf(root, file)
  if (path === undefined) throw new UserError(`${file} is outside of the project, and cannot be part of a bundle`)
  if (/[\p{Cc}\u2028\u2029\\]/u.test(path)) {
    throw new UserError(
      `${JSON.stringify(path)}: a file of a bundle has no "\\" and no line break in its name; rename it`,
    )
  }
  const bytes = readFileSync(file)
  return { path, file, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}
