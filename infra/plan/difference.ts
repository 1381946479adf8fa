import { isRecord, type Plan, type Planned, type PlannedResource } from './planned-resource.ts'

/** Something about a resource that is no longer as it was; undefined where it was not there, or is not any more. */
export interface Change {
  /** Of an input `settings.tier`; `protect`, `parent`, `provider` and so on for how it is registered. */
  readonly path: string
  readonly from: string | undefined
  readonly to: string | undefined
}

export interface ChangedResource {
  readonly resource: PlannedResource
  readonly changes: readonly Change[]
}

/** How one plan of a stack differs from another. */
export interface Difference {
  readonly added: readonly PlannedResource[]
  readonly removed: readonly PlannedResource[]
  readonly changed: readonly ChangedResource[]
  readonly outputs: readonly Change[]
}

/** Compares plans by URN. That a secret's value changed cannot be seen. */
export function difference(before: Plan, after: Plan): Difference {
  const old = new Map(before.resources.map((each) => [each.urn, each]))
  const now = new Set(after.resources.map((each) => each.urn))
  return {
    added: after.resources.filter((each) => !old.has(each.urn)),
    removed: before.resources.filter((each) => !now.has(each.urn)),
    changed: after.resources.flatMap((resource) => {
      const was = old.get(resource.urn)
      const changes = was === undefined ? [] : changesOf(was, resource)
      return changes.length > 0 ? [{ resource, changes }] : []
    }),
    outputs: changed(texts(before.outputs), texts(after.outputs)),
  }
}

function changesOf(was: PlannedResource, is: PlannedResource): Change[] {
  return [
    ...changed(texts(was.inputs), texts(is.inputs)),
    ...changed(options(was), options(is)),
    ...listChanges('after', was.dependencies, is.dependencies),
    ...listChanges('ignoreChanges', was.ignoreChanges, is.ignoreChanges),
  ]
}

function options(each: PlannedResource): Map<string, string> {
  const { parent, provider, protect, retainOnDelete, deleteBeforeReplace, existing } = each
  return new Map(
    Object.entries({ parent, provider, protect, retainOnDelete, deleteBeforeReplace, existing }).flatMap(
      ([path, value]) => (value === undefined ? [] : [[path, String(value)]]),
    ),
  )
}

function listChanges(path: string, was: readonly string[], is: readonly string[]): Change[] {
  return [
    ...was.filter((each) => !is.includes(each)).map((from) => ({ path, from, to: undefined })),
    ...is.filter((each) => !was.includes(each)).map((to) => ({ path, from: undefined, to })),
  ]
}

function changed(was: ReadonlyMap<string, string>, is: ReadonlyMap<string, string>): Change[] {
  const paths = [...new Set([...was.keys(), ...is.keys()])]
  return paths.flatMap((path) => {
    const [from, to] = [was.get(path), is.get(path)]
    return from === to ? [] : [{ path, from, to }]
  })
}

/** Each value inside another as a text, by its path. Things in a list that have names go by these, not by position. */
function texts(value: Planned, path = ''): Map<string, string> {
  if (Array.isArray(value) && value.length > 0) {
    const names = value.map((each: Planned) =>
      isRecord(each) && typeof each.name === 'string' ? each.name : undefined,
    )
    const isNamed = names.every((name) => name !== undefined) && new Set(names).size === names.length
    return merged(value.map((each: Planned, i) => texts(each, `${path}[${isNamed ? names[i] : i}]`)))
  }
  if (isRecord(value) && (path === '' || Object.keys(value).length > 0)) {
    return merged(Object.entries(value).map(([key, each]) => texts(each, path ? `${path}.${key}` : key)))
  }
  return new Map([
    [path, typeof value === 'string' ? value : typeof value === 'object' ? unquoted(value) : String(value)],
  ])
}

/** `<database.?>`, `{}`, `null` */
const unquoted = (value: Planned): string => JSON.stringify(value).replace(/^"(.*)"$/, '$1')

const merged = (maps: readonly ReadonlyMap<string, string>[]): Map<string, string> =>
  new Map(maps.flatMap((map) => [...map]))
