import { isRecord, type Planned, SecretValue, Unknown } from '../plan/planned-resource.ts'

/** A value of a plan, or nothing where there is none. */
export type Found = Planned | undefined

export function isList(value: Found): value is readonly Planned[] {
  return Array.isArray(value)
}

/** Whether a value is there, but cannot be judged: known only later, or a secret. */
export function isHidden(value: Found): value is Unknown | SecretValue {
  return value instanceof Unknown || value instanceof SecretValue
}

/** The value at a path of keys with "." between them; a hidden value on the way is the answer. */
export function at(value: Found, path: string): Found {
  let found = value
  for (const key of path.split('.')) {
    if (isHidden(found)) return found
    found = isRecord(found) && Object.hasOwn(found, key) ? found[key] : undefined
  }
  return found
}

/** The text at a path, where there is one and it is known. */
export function textAt(value: Found, path: string): string | undefined {
  const found = at(value, path)
  return typeof found === 'string' ? found : undefined
}

/** The number at a path, also when it is written as text. */
export function numberAt(value: Found, path: string): number | undefined {
  const found = at(value, path)
  if (typeof found === 'number') return found
  return typeof found === 'string' && /^-?\d+(\.\d+)?$/.test(found) ? Number(found) : undefined
}

export interface Item {
  /** `containers[0]`. */
  readonly path: string
  readonly value: Planned
}

/** The items of the list at a path; none where it is unknown. */
export function itemsAt(value: Found, path: string): Item[] {
  const found = at(value, path)
  return isList(found) ? found.map((item, index) => ({ path: `${path}[${index}]`, value: item })) : []
}

/** `labels.stack`, and `annotations["iam.gke.io/gcp-service-account"]` for a key that has dots of its own. */
export function pathTo(path: string, key: string): string {
  if (!/^[\w-]+$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

/** Goes on after a property: `is missing`, `is "inherited"`, `is known only later`. */
export function is(value: Found): string {
  if (value === undefined || value === null) return 'is missing'
  if (value instanceof Unknown) return 'is known only later'
  return `is ${value instanceof SecretValue ? 'a secret' : JSON.stringify(value)}`
}
