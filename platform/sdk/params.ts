import { z } from 'zod'
import { UserError } from './errors.ts'
import { redact } from './secret.ts'

/**
 * Checks the parameters of a flow against its schema.
 * @returns them, with defaults filled in
 * @throws UserError naming the first that is wrong; its hint names the others
 */
export function parseParams(flow: string, schema: z.ZodType, input: unknown): Record<string, unknown> {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : undefined
  if (known && typeof input === 'object' && input !== null) {
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
    const lines = result.error.issues.map((issue) =>
      // A value may be a secret that stood as a reference.
      redact(`flow ${flow}: parameter ${describeIssue(issue, input, json)}`),
    )
    throw new UserError(lines[0] ?? `flow ${flow}: wrong parameters`, lines.slice(1).join('\n') || undefined)
  }
  return result.data as Record<string, unknown>
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown, schema: JsonSchema): string {
  const path = issue.path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key)),
    '',
  )
  let value: unknown = input
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  // Zod says "number" of whole numbers too; the schema knows.
  const type = typeAt(schema, issue.path) === 'integer' ? 'int' : issue.code === 'invalid_type' ? issue.expected : ''
  if (value === undefined && issue.code === 'invalid_type') return `${path}: is required (${expected(type)})`
  const got = value === undefined ? 'nothing' : JSON.stringify(value)
  switch (issue.code) {
    case 'invalid_type':
      return `${path}: expected ${expected(type)}, got ${got}`
    case 'invalid_value':
      return `${path}: expected one of ${issue.values.map((v) => JSON.stringify(v)).join(', ')}, got ${got}`
    default:
      return `${path || '(all)'}: ${issue.message}, got ${got}`
  }
}

const EXPECTED: Record<string, string> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function expected(type: string): string {
  return EXPECTED[type] ?? type
}

interface JsonSchema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly additionalProperties?: JsonSchema | boolean
  readonly anyOf?: readonly JsonSchema[]
}

function typeAt(schema: JsonSchema, path: readonly PropertyKey[]): string | undefined {
  let part: JsonSchema | undefined = schema
  for (const key of path) {
    const inside: JsonSchema | undefined = part?.anyOf?.find((each) => each.properties ?? each.items) ?? part
    const more: JsonSchema | boolean | undefined = inside?.additionalProperties
    part =
      typeof key === 'number'
        ? inside?.items
        : (inside?.properties?.[String(key)] ?? (typeof more === 'object' ? more : undefined))
  }
  return part?.type
}
