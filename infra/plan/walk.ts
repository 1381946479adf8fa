import { isRecord, type Planned, Unknown } from './planned-resource.ts'

/** A value inside another, and the way there: `template.containers[0].image`. */
export interface Leaf {
  readonly path: string
  /** The last name on the way, without positions in lists. */
  readonly key: string
  readonly value: Exclude<Planned, readonly Planned[] | { readonly [key: string]: Planned }>
}

/** All values that have no parts, in the order in which they stand; empty lists and objects have none. */
export function leaves(value: Planned, path = '', key = ''): Leaf[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => leaves(each, `${path}[${index}]`, key))
  if (isRecord(value)) {
    return Object.entries(value).flatMap(([name, each]) => leaves(each, path ? `${path}.${name}` : name, name))
  }
  return [{ path, key, value: value as Leaf['value'] }]
}

/** The value at a way such as `settings.tier` or `template.containers.0.image`; undefined where there is none. */
export function at(value: Planned | undefined, path: string): Planned | undefined {
  let found = value
  for (const part of path.split('.')) {
    if (Array.isArray(found)) found = found[Number(part)]
    else if (isRecord(found)) found = found[part]
    else return undefined
  }
  return found
}

/** What there is to read of a value: its text, also of an unknown one; nothing of a secret. */
export function readable(value: Leaf['value']): string | undefined {
  return typeof value === 'string' || value instanceof Unknown ? String(value) : undefined
}
