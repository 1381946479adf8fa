import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { type Flow, nearest, UserError } from '@millrace/sdk'
import { flowNames, flowPath, importFlow } from '@millrace/sdk/project'
import { bundleSource, isBundle } from './bundle-source.ts'

export { flowNames, importFlow } from '@millrace/sdk/project'

/** Where the code of a flow is, for a thread or a worker to load it. */
export interface FlowSource {
  /** The flow's name; its folder under `flows/`. */
  readonly flow: string
  /** Path of the flow's module, relative to the project's folder, with "/". */
  readonly path: string
  /** SHA-256 over the flow's own modules, or of its bundle: the code that a run started with. */
  readonly digest: string
}

export interface LoadedFlow {
  readonly flow: Flow
  readonly source: FlowSource
}

/** The project's folder: the nearest one at or above `from` that has a folder `flows`. */
export function projectRoot(from = process.cwd()): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'flows'))) return folder
    if (folder === dirname(folder)) return resolve(from)
  }
}

/**
 * Finds and loads a flow of the project.
 * @throws UserError when there is none of that name, or its module does not export one
 */
export async function loadFlow(root: string, name: string): Promise<LoadedFlow> {
  checkFlowName(root, name)
  const source = flowSource(root, name, flowPath(name))
  return { flow: await importFlow(root, source), source }
}

/** @throws UserError when the project has no flow of that name */
export function checkFlowName(root: string, name: string): void {
  const names = flowNames(root)
  if (names.includes(name)) return
  const near = nearest(name, names)
  throw new UserError(
    `there is no flow "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    names.length > 0 ? `Flows here: ${names.join(', ')}.` : `There is no flow in ${join(root, 'flows')}.`,
  )
}

/**
 * Describes the flow module at `path` (relative to `root`): a bundle, or one that runs as it was written.
 * @throws UserError when it is a bundle and not in order
 */
export function flowSource(root: string, flow: string, path: string): FlowSource {
  if (isBundle(path)) return bundleSource(root, join(root, path))
  return { flow, path, digest: digestModules(root, path) }
}

/**
 * SHA-256 over a module and all that it reaches by relative paths: modules it imports and files it names
 * (`new URL('./query.sql', import.meta.url)`). Text that merely looks like a path to an existing file counts too,
 * which is harmless.
 */
export function digestModules(root: string, path: string): string {
  const seen = new Set<string>()
  const visit = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    if (!/\.[cm]?[jt]s$/.test(file)) return
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/['"`](\.{1,2}\/[^'"`$\n]+)['"`]/g)) {
      const target = resolve(dirname(file), specifier)
      if (statSync(target, { throwIfNoEntry: false })?.isFile()) visit(target)
    }
  }
  visit(join(root, path))
  const hash = createHash('sha256')
  for (const file of [...seen].sort()) {
    hash.update(relative(root, file).split(sep).join('/')).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}
