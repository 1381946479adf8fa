import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type Lockfile, readLockfile } from './lockfile.ts'
import { keptOutOfBundles, neededPackages } from './needed-packages.ts'
import { packageFiles } from './package-files.ts'
import { reachedFiles } from './reached-files.ts'
import type { ImageSystem } from './system.ts'
import type { TreeFile } from './tree.ts'

/** Programs of ours, and who else uses what they bring. */
export interface Programs {
  /** Their modules, by their path in the project. */
  readonly starts: readonly string[]
  /** Flows run there, too: the packages that cannot be part of a bundle must be there. */
  readonly withFlows: boolean
}

/**
 * All that programs of ours need to run on a bare Linux: Node, the packages, their sources as they are. What is in it
 * follows from what they import and from package-lock.json, there is no list of it.
 * @throws UserError when something of it is not there, or not as package-lock.json says
 */
export async function programFiles(
  root: string,
  { starts, withFlows }: Programs,
  system: ImageSystem,
): Promise<TreeFile[]> {
  const lock = readLockfile(root)
  const { files, ours, packages } = await reachedFiles(root, lock, starts)
  const wanted = [...packages, ...(withFlows ? keptOutOfBundles(root, lock) : [])]
  return [
    ...nodeFiles(root, lock, system),
    ...neededPackages(root, lock, wanted, system).flatMap((place) => filesOfPackage(root, place)),
    ...files.map((path): TreeFile => ({ path, content: { file: join(root, path) }, part: 'ours' })),
    // Sources are modules, as in the project.
    { path: 'package.json', content: { text: '{ "type": "module" }\n' }, part: 'ours' },
    ...[...ours].flatMap(([name, folder]) => ourPackage(root, name, folder)),
  ]
}

/** The Node that npm installed for a system: the program alone. */
function nodeFiles(root: string, lock: Lockfile, system: ImageSystem): TreeFile[] {
  return neededPackages(root, lock, [{ name: `node-linux-${system.cpu}`, from: '' }], system).flatMap((place) => [
    { path: 'bin/node', content: { file: join(root, place, 'bin/node') }, part: 'node' },
    { path: 'bin/LICENSE', content: { file: join(root, place, 'LICENSE') }, part: 'node' },
  ])
}

function filesOfPackage(root: string, place: string): TreeFile[] {
  const part = place.replace(/^.*node_modules\//, '')
  return packageFiles(join(root, place)).map((path) => ({
    path: posix.join(place, path),
    content: { file: join(root, place, path) },
    part,
  }))
}

/** Makes a package of ours found under its name. Of what package.json says only that counts when it runs. */
function ourPackage(root: string, name: string, folder: string): TreeFile[] {
  const { version, type, exports } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    version?: string
    type?: string
    exports?: unknown
  }
  const place = `node_modules/${name}`
  return [
    {
      path: `${folder}/package.json`,
      content: { text: `${JSON.stringify({ name, version, type, exports }, null, 2)}\n` },
      part: 'ours',
    },
    { path: place, content: { link: posix.relative(posix.dirname(place), folder) }, part: 'ours' },
  ]
}
