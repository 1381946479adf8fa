import { isAbsolute, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { type Flow, UserError } from '@millrace/sdk'
import { flowNames, flowPath, importFlow } from '@millrace/sdk/project'
import { allOrMistake } from './all-or-mistake.ts'
import type { FlowManifest } from './manifest.ts'
import { manifestOf } from './manifest-of.ts'

/**
 * The manifests of flows of a project, by name. Each flow's module is imported, nothing of it is run.
 * @param only these; a flow that no stack deploys need not be fit for it. @default all
 * @throws UserError naming the first file that is wrong; its hint names the others
 */
export async function readManifests(root: string, only?: readonly string[]): Promise<FlowManifest[]> {
  const names = flowNames(root).filter((name) => only?.includes(name) ?? true)
  return await allOrMistake(names, (name) => readManifest(root, name))
}

async function readManifest(root: string, name: string): Promise<FlowManifest> {
  return manifestOf(await importFrom(root, name))
}

async function importFrom(root: string, name: string): Promise<Flow> {
  const path = flowPath(name)
  try {
    return await importFlow(root, { flow: name, path })
  } catch (error) {
    if (error instanceof UserError) {
      // What `flow()` itself refuses does not say which file it stands in.
      throw error.message.startsWith(path) ? error : new UserError(`${path}: ${error.message}`, error.hint)
    }
    throw new UserError(`${path} does not load: ${reasonOf(error, root)}`)
  }
}

/** The first line of an error, and where it is: of a syntax error only the head of its stack tells. */
function reasonOf(error: unknown, root: string): string {
  if (!(error instanceof Error)) return inspect(error, { breakLength: Number.POSITIVE_INFINITY })
  const [message = ''] = error.message.split('\n')
  const [head = ''] = (error.stack ?? '').split('\n')
  const [, place = '', line] = /^(.+):(\d+)$/.exec(head) ?? []
  const path = place.startsWith('file:') ? fileURLToPath(place) : place
  return isAbsolute(path) ? `${message} (${relative(root, path)}:${line})` : message
}
