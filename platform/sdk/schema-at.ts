/** The part of a JSON Schema that tells what may stand where. */
export interface JsonSchema {
  readonly type?: string
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly propertyNames?: { readonly enum?: readonly string[] }
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  /** The value is put in, and not shown again: a secret. */
  readonly writeOnly?: boolean
}

/** What a schema says of one place of a value. */
export interface Place {
  /** Several where the schema gives a choice. */
  readonly schemas: readonly JsonSchema[]
  /** The place, or what is around it, is marked as a secret. */
  readonly inSecret: boolean
}

/** What a schema says of the place at a path; no schemas where it says nothing. */
export function schemasAt(schema: JsonSchema, path: readonly PropertyKey[]): Place {
  let schemas = choices(schema)
  let inSecret = isSecret(schemas)
  for (const key of path) {
    schemas = schemas.flatMap((each) => inside(each, key)).flatMap(choices)
    inSecret ||= isSecret(schemas)
  }
  return { schemas, inSecret }
}

/** The schema itself, and all that it gives a choice of. */
function choices(schema: JsonSchema): JsonSchema[] {
  return [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(choices)]
}

function inside(schema: JsonSchema, key: PropertyKey): JsonSchema[] {
  const named = schema.properties
  const more = schema.additionalProperties
  const found =
    typeof key === 'number'
      ? schema.items
      : named && Object.hasOwn(named, key)
        ? named[String(key)]
        : typeof more === 'object'
          ? more
          : undefined
  return found ? [found] : []
}

function isSecret(schemas: readonly JsonSchema[]): boolean {
  return schemas.some(({ writeOnly }) => writeOnly === true)
}

/** The names that the object `value` may have at this place, where they are limited. */
export function keysAt({ schemas }: Place, value: unknown): string[] {
  const keys = schemas
    .filter((each) => isMeant(each, value))
    .flatMap(({ properties = {}, propertyNames }) => [...Object.keys(properties), ...(propertyNames?.enum ?? [])])
  return [...new Set(keys)]
}

/** Of the kinds of an object, told apart by a fixed property, the one that `value` is. */
function isMeant({ properties = {} }: JsonSchema, value: unknown): boolean {
  const own: object = typeof value === 'object' && value !== null ? value : {}
  return Object.entries(properties).every(
    ([key, { const: fixed }]) => fixed === undefined || Reflect.get(own, key) === fixed,
  )
}

/** Whether a secret stands at this place, around it or in it. */
export function holdsSecret({ schemas, inSecret }: Place): boolean {
  return inSecret || schemas.some((each) => JSON.stringify(each).includes('"writeOnly":true'))
}
