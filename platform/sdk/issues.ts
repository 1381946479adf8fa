import { z } from 'zod'
import { nearest } from './nearest.ts'
import { holdsSecret, type JsonSchema, keysAt, type Place, schemasAt } from './schema-at.ts'
import { redact } from './secret.ts'

/**
 * Says what a schema found wrong with a value, a line for each thing: where it is, what was expected, what was got.
 * Secrets that were read are redacted, and what the schema marks with `.meta({ writeOnly: true })` is never shown.
 * @param where words the place of a path (`water[2]`, `source.key`; empty for the value as a whole)
 */
export function describeIssues(
  schema: z.ZodType,
  input: unknown,
  issues: readonly z.core.$ZodIssue[],
  where: (path: string) => string,
): string[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  return issues.flatMap(innermost).flatMap((issue) => {
    const place = schemasAt(json, issue.path)
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(place, valueAt(input, issue.path))
      return issue.keys.map((key) =>
        redact(`${where(writePath([...issue.path, key]))}: ${describeUnknown(key, known)}`),
      )
    }
    return redact(`${where(writePath(issue.path))}: ${describeIssue(issue, input, place)}`)
  })
}

/** Where a choice of several schemas was refused, and one of them is plainly meant: what is wrong by that one. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union' || ('options' in issue && issue.options)) return [issue]
  const [meant, ...others] = issue.errors.filter((errors) => errors.length > 0 && !errors.some(isOtherKind))
  if (!meant || others.length > 0) return [issue]
  return meant.flatMap((each) => innermost({ ...each, path: [...issue.path, ...each.path] }))
}

/** The value as a whole is not of the kind that was expected. */
function isOtherKind({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union')
}

function describeUnknown(key: string, known: readonly string[]): string {
  const near = nearest(key, known)
  const meant = near === undefined ? '' : `; did you mean "${near}"?`
  return `there is no such key${meant} (${known.length > 0 ? `known: ${known.join(', ')}` : 'none is known'})`
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown, place: Place): string {
  if (issue.code === 'invalid_key') return `the name is wrong: ${issue.issues[0]?.message ?? issue.message}`
  const value = valueAt(input, issue.path)
  const got = holdsSecret(place) ? '' : `, got ${write(value)}`
  const wanted = expectation(issue, typesOf(place))
  if (wanted === undefined) return `${issue.message}${issue.path.length > 0 ? got : ''}`
  return value === undefined ? `is required (${wanted})` : `expected ${wanted}${got}`
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown> | null)?.[key], input)
}

/** `water[2]`, `source.key`. */
function writePath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text ? `${text}.${String(key)}` : String(key)
  }, '')
}

function typesOf({ schemas }: Place): string[] {
  return schemas.flatMap(({ type }) => type ?? [])
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
  const text = typeof value === 'string' || (typeof value === 'object' && value !== null) ? asJson(value) : ''
  // Before it is cut: of a secret at the cut, half would stay.
  const whole = redact(text || String(value))
  return whole.length > LONGEST_WRITTEN ? `${whole.slice(0, LONGEST_WRITTEN)}…` : whole
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part))
  } catch {
    return ''
  }
}
