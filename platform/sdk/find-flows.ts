import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UserError } from './errors.ts'
import type { Flow } from './flow.ts'

/** Names of the project's flows: the folders of `flows/` that have a `flow.ts`. */
export function flowNames(root: string): string[] {
  const folder = join(root, 'flows')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'flow.ts')))
    .map((entry) => entry.name)
    .sort()
}

/** Path of a flow's module, relative to the project's folder, with "/". */
export function flowPath(name: string): string {
  return `flows/${name}/flow.ts`
}

/**
 * Loads the module of a flow.
 * @param source the flow's name, and the path of its module relative to `root`
 * @throws UserError when it does not export a flow of that name as default
 */
export async function importFlow(
  root: string,
  source: { readonly flow: string; readonly path: string },
): Promise<Flow> {
  const module: { default?: unknown } = await import(pathToFileURL(join(root, source.path)).href)
  const found = module.default
  if (!isFlow(found)) {
    throw new UserError(`${source.path} must export a flow as default: export default flow({ … }, async () => { … })`)
  }
  if (found.definition.name !== source.flow) {
    throw new UserError(
      `${source.path} holds a flow named "${found.definition.name}"; its folder must have the same name`,
    )
  }
  return found
}

function isFlow(value: unknown): value is Flow {
  return typeof value === 'function' && 'definition' in value && 'options' in value
}
