import { z } from 'zod'
import { UserError } from './errors.ts'
import { describeIssues } from './issues.ts'

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
    const where = (path: string): string => `flow ${flow}: ${path ? `parameter ${path}` : 'parameters'}`
    // `millrace flows show` lists what a parameter may hold.
    const lines = describeIssues(schema, input, result.error.issues, where)
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
