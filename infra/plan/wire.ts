import { type Planned, SecretValue, Unknown } from './planned-resource.ts'
import { nameOf } from './urn.ts'

/**
 * How Pulumi programs and engines write values to each other: as JSON, in which an unknown value is a text that nobody
 * writes by chance, and anything that JSON has no word for is an object with a signature.
 * The constants are those of pulumi/sdk/go/common/resource/properties.go, asset.go and archive.go.
 */
export type Wire = null | boolean | number | string | readonly Wire[] | { readonly [key: string]: Wire }
export type WireObject = { readonly [key: string]: Wire }

export const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'
const SIGNATURE = '4dabf18193072939515e22adb298388d'
const SECRET = '1b47061264138c4ac30d75fd1eb44270'
const RESOURCE = '5cf8f73096256a8f31e491e813e4eb8e'
const OUTPUT = 'd0e6a833031e9bbcd3f4e8bde6ca49a4'
const ASSET = 'c44067f5952c0a294b673a41bacd8c17'
const ARCHIVE = '0def7320c3a5731c473e5ecbe6d01bc7'

/** Marks a value as secret, unless it is marked already. */
export function secret(value: Wire): Wire {
  return isObject(value) && value[SIGNATURE] === SECRET ? value : { [SIGNATURE]: SECRET, value }
}

/**
 * A value as it stands in a plan.
 * @param origin what an unknown value in it comes from, where that is known
 */
export function fromWire(value: Wire, origin?: string): Planned {
  if (value === UNKNOWN) return new Unknown(origin)
  if (Array.isArray(value)) return value.map((each) => fromWire(each, origin))
  if (!isObject(value)) return value as Exclude<typeof value, readonly Wire[]>
  switch (value[SIGNATURE]) {
    case undefined:
      return fields(value, origin)
    case SECRET:
      return new SecretValue()
    case RESOURCE:
      return reference(value)
    case OUTPUT:
      if (value.secret === true) return new SecretValue()
      return value.value === undefined
        ? new Unknown(originOf(value.dependencies) ?? origin)
        : fromWire(value.value, origin)
    case ASSET:
    case ARCHIVE:
      return content(value, origin)
    default:
      throw new Error(`a value has the signature ${value[SIGNATURE]}, which the plan does not know`)
  }
}

/** All values of an object; where an unknown one comes from is told by `dependencies`, URNs by field. */
export function fieldsFromWire(
  values: WireObject,
  dependencies: Readonly<Record<string, readonly string[]>> = {},
): Record<string, Planned> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, fromWire(value, originOf([...(dependencies[key] ?? [])]))]),
  )
}

/** A value can be told to come from a resource only when it depends on no other. */
function originOf(dependencies: Wire | undefined): string | undefined {
  if (!Array.isArray(dependencies) || dependencies.length !== 1) return undefined
  return `${nameOf(String(dependencies[0]))}.?`
}

/** A resource given as a value: its id, or its URN where it has none. */
function reference({ urn, id }: WireObject): Planned {
  if (typeof id === 'string' && id !== '' && id !== UNKNOWN) return id
  return id === undefined ? String(urn) : new Unknown(`${nameOf(String(urn))}.id`)
}

/** A file or folder that the program hands over, without its signature. */
function content(value: WireObject, origin: string | undefined): Planned {
  const { [SIGNATURE]: kind, ...rest } = value
  return { [kind === ASSET ? 'asset' : 'archive']: fields(rest, origin) }
}

function fields(value: WireObject, origin: string | undefined): Planned {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromWire(each, origin)]))
}

function isObject(value: Wire): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
