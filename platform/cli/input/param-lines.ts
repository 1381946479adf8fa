import { UserError } from '@millrace/sdk'
import { parseObject } from '../params.ts'
import type { LineSource } from './lines.ts'

/** Parameters of one run, and what tells it from others. */
export interface ParamSet {
  readonly params: Record<string, unknown>
  readonly key?: string
}

/**
 * Reads a JSON object with parameters from each line.
 * @param keyField the parameter that is the key
 * @throws UserError naming the line that is none
 */
export async function* readParamSets(
  source: LineSource,
  given: Readonly<Record<string, unknown>>,
  keyField: string | undefined,
): AsyncIterable<ParamSet> {
  for await (const { number, text } of source.read()) {
    const where = `${source.name}, line ${number}`
    yield withKey({ ...parseObject(text, where), ...given }, keyField, where)
  }
}

/** @param where names the parameters in the error */
export function withKey(params: Record<string, unknown>, keyField: string | undefined, where: string): ParamSet {
  if (keyField === undefined) return { params }
  const value = Object.hasOwn(params, keyField) ? params[keyField] : undefined
  if (value === undefined || value === null || value === '') {
    throw new UserError(`${where}: --key-field ${keyField}: there is no such parameter`)
  }
  return { params, key: typeof value === 'string' ? value : JSON.stringify(value) }
}
