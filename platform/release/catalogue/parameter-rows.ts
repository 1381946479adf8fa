/** A parameter of a flow, in words. */
export interface ParameterRow {
  readonly name: string
  readonly type: string
  /** As JSON; undefined where there is none. */
  readonly standard: string | undefined
  readonly isRequired: boolean
  readonly description: string
}

/** The part of JSON Schema that is put into words. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly format?: string
  readonly additionalProperties?: Schema | boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

/** @param params JSON Schema of an object */
export function parameterRows(params: Readonly<Record<string, unknown>>): ParameterRow[] {
  const { properties = {}, required = [] } = params as Schema
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    type: typeText(schema),
    standard: schema.default === undefined ? undefined : JSON.stringify(schema.default),
    isRequired: required.includes(name),
    description: schema.description ?? '',
  }))
}

function typeText(schema: Schema): string {
  const { type, anyOf, items, format, additionalProperties: values } = schema
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (anyOf) return [...new Set(anyOf.map(typeText))].join(' | ')
  if (type === 'array') return items ? `list of ${typeText(items)}` : 'list'
  if (type === 'object') return typeof values === 'object' ? `map of ${typeText(values)}` : 'object'
  return format ?? (typeof type === 'string' ? WORDS[type] : type?.join(' | ')) ?? 'anything'
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  null: 'null',
}
