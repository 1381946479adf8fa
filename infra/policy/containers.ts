import { isRecord, type Planned, type PlannedResource } from '../plan/planned-resource.ts'
import { type Found, type Item, isList, pathTo } from './values.ts'

export interface PlannedContainer {
  /** `template.containers[0]`. */
  readonly path: string
  readonly container: { readonly [key: string]: Planned }
}

const LISTS = ['containers', 'initContainers', 'ephemeralContainers']

/**
 * The containers that a resource names, wherever: in the template of a Cloud Run service, job or worker pool, and in the
 * pod of any Kubernetes object, also of a kind that is made up by an extension.
 */
export function containersOf({ inputs }: PlannedResource): PlannedContainer[] {
  return find(inputs, '')
}

function find(value: Found, path: string): PlannedContainer[] {
  if (isList(value)) return value.flatMap((item, index) => find(item, `${path}[${index}]`))
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = pathTo(path, key)
    if (!LISTS.includes(key) || !isList(inner)) return find(inner, here)
    return inner.flatMap((container, index) => (isRecord(container) ? [{ path: `${here}[${index}]`, container }] : []))
  })
}

/** The environment variables of a container: `envs` at Cloud Run, `env` in Kubernetes. */
export function variablesOf({ path, container }: PlannedContainer): Item[] {
  return ['envs', 'env'].flatMap((key) => {
    const list = container[key]
    return isList(list) ? list.map((value, index) => ({ path: `${path}.${key}[${index}]`, value })) : []
  })
}
