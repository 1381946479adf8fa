import { z } from 'zod'
import { UserError } from './errors.ts'
import { redact } from './secret.ts'

/**
 * Checks the parameters of a flow against its schema.
 * @returns them, with defaults filled in
 * @throws UserError naming the first that is wrong; its hint names the others
 */
export function parseParams(flow: string, schema: z.ZodType, input: unknown): Record<string, unknown> {
  const known = knownNames(schema)
  if (known && isObject(input)) {
    const unknown = Object.keys(input).find((key) => !known.includes(key))
    if (unknown !== undefined) {
      throw new UserError(
        `flow ${flow}: there is no parameter "${unknown}"`,
        known.length > 0 ? `It takes: ${known.join(', ')}.` : 'It takes none.',
      )
    }
  }
  const result = schema.safeParse(input)
  if (!result.success) {
    const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
    // A value may be a secret that stood as a reference.
    const lines = result.error.issues.map((issue) => redact(`flow ${flow}: ${describeIssue(issue, input, json)}`))
    throw new UserError(lines[0] ?? `flow ${flow}: wrong parameters`, lines.slice(1).join('\n') || undefined)
  }
  return result.data as Record<string, unknown>
}

/** Names of all parameters; undefined where a flow takes others too. */
function knownNames(schema: z.ZodType): string[] | undefined {
  if (schema instanceof z.ZodPipe) return knownNames(schema.def.in as z.ZodType)
  if (!(schema instanceof z.ZodObject)) return undefined
  const rest = schema.def.catchall
  return rest === undefined || rest instanceof z.ZodNever ? Object.keys(schema.shape) : undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown, schema: JsonSchema): string {
  const value = issue.path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown> | null)?.[key], input)
  const where = issue.path.length > 0 ? `parameter ${writePath(issue.path)}` : 'parameters'
  if (issue.code === 'unrecognized_keys') return `${where}: there is no ${issue.keys.map(write).join(', ')} in it`
  const wanted = expectation(issue, typesAt(schema, issue.path))
  if (wanted === undefined) return `${where}: ${issue.message}${issue.path.length > 0 ? `, got ${write(value)}` : ''}`
  return value === undefined ? `${where}: is required (${wanted})` : `${where}: expected ${wanted}, got ${write(value)}`
}

/** `water[2]`, `source.key`. */
function writePath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text ? `${text}.${String(key)}` : String(key)
  }, '')
}

/** What should have stood there; undefined where zod's own words, or the author's, say more. */
function expectation(issue: z.core.$ZodIssue, types: readonly string[]): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      // Zod says "number" of whole numbers too; the schema knows.
      return nameOf(issue.expected === 'number' && types.includes('integer') ? 'int' : issue.expected)
    case 'invalid_value':
      return oneOf(issue.values.map(write))
    case 'invalid_union': {
      if ('options' in issue && issue.options) return oneOf(issue.options.map(write))
      const each = issue.errors.map(([first]) => first && first.path.length === 0 && expectation(first, types))
      return each.every((text) => typeof text === 'string') ? [...new Set(each)].join(' or ') : undefined
    }
    default:
      return undefined
  }
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? values.join() : `one of ${values.join(', ')}`
}

const NAMES: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
  date: 'a date',
}

function nameOf(type: string): string {
  return NAMES[type] ?? type
}

const LONGEST_WRITTEN = 200

/** A value for a person to recognize. */
function write(value: unknown): string {
  const text =
    (isObject(value) || Array.isArray(value) || typeof value === 'string' ? asJson(value) : '') || String(value)
  return text.length > LONGEST_WRITTEN ? `${text.slice(0, LONGEST_WRITTEN)}…` : text
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part))
  } catch {
    return ''
  }
}

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly additionalProperties?: JsonSchema | boolean
  readonly anyOf?: readonly JsonSchema[]
}

/** The types that may stand at a path: several where the schema gives a choice. */
function typesAt(schema: JsonSchema, path: readonly PropertyKey[]): string[] {
  let part: JsonSchema | undefined = schema
  for (const key of path) {
    const inside: JsonSchema | undefined = part?.anyOf?.find((each) => each.properties ?? each.items) ?? part
    const more: JsonSchema | boolean | undefined = inside?.additionalProperties
    part =
      typeof key === 'number'
        ? inside?.items
        : (inside?.properties?.[String(key)] ?? (typeof more === 'object' ? more : undefined))
  }
  return [part, ...(part?.anyOf ?? [])].flatMap((each) => each?.type ?? [])
}
