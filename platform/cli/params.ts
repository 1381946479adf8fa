import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text as readAll } from 'node:stream/consumers'
import { type Flow, UserError } from '@millrace/sdk'
import { z } from 'zod'

/** The part of a JSON Schema that tells how to read a text. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
}

export interface ParamSources {
  readonly param?: readonly string[]
  readonly paramsFile?: string
  readonly fixture?: string
}

/**
 * Gathers the parameters of a run: from a fixture, a file, and the command line, later ones winning.
 * Whether they are right is for the flow to say.
 * @param flow its name alone, where its code is not at hand: then a text that is JSON is read as such
 * @throws UserError when a file cannot be read or a `--param` is not `name=value`
 */
export async function gatherParams(
  root: string,
  flow: Flow | string,
  sources: ParamSources,
): Promise<Record<string, unknown>> {
  const params: Record<string, unknown> = {}
  const name = typeof flow === 'string' ? flow : flow.definition.name
  if (sources.fixture !== undefined) {
    Object.assign(params, readJson(join(root, 'flows', name, 'fixtures', `${sources.fixture}.json`), '--fixture'))
  }
  if (sources.paramsFile === '-') Object.assign(params, parseObject(await readAll(process.stdin), 'standard input'))
  else if (sources.paramsFile !== undefined) Object.assign(params, readJson(sources.paramsFile, '--params-file'))
  const schema = typeof flow === 'string' ? {} : paramsSchema(flow)
  for (const pair of sources.param ?? []) {
    const at = pair.indexOf('=')
    if (at < 1) throw new UserError(`--param ${pair}: expected name=value`)
    setParam(params, pair.slice(0, at), pair.slice(at + 1), schema)
  }
  return params
}

/** JSON Schema of a flow's parameters, as a person gives them. */
export function paramsSchema(flow: Flow): Schema & Record<string, unknown> {
  const { params } = flow.options
  if (!params) return {}
  return z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' }) as Schema & Record<string, unknown>
}

function setParam(params: Record<string, unknown>, path: string, text: string, schema: Schema): void {
  const keys = schema.properties && Object.hasOwn(schema.properties, path) ? [path] : path.split('.')
  let target = params
  let part: Schema | undefined = schema
  keys.forEach((key, i) => {
    const more: Schema | boolean | undefined = part?.properties?.[key] ?? part?.additionalProperties
    part = typeof more === 'object' ? more : undefined
    if (i === keys.length - 1) {
      target[key] = coerce(text, part)
      return
    }
    const inside = target[key]
    const next = typeof inside === 'object' && inside !== null && !Array.isArray(inside) ? { ...inside } : {}
    target[key] = next
    target = next as Record<string, unknown>
  })
}

/**
 * Reads a text as what the schema allows. What fits nothing stays text, and the flow says what is wrong with it.
 * A list of simple values may be written with commas: `water=1,2,3`.
 */
function coerce(text: string, schema: Schema | undefined): unknown {
  const types = typesOf(schema)
  if (types.has('number') || types.has('integer')) {
    if (text.trim() !== '' && Number.isFinite(Number(text))) return Number(text)
  }
  if (types.has('boolean') && /^(true|false)$/.test(text)) return text === 'true'
  if (types.has('null') && text === 'null') return null
  if (types.has('array') || types.has('object') || types.size === 0) {
    const json = tryJson(text)
    if (json !== undefined && (types.size === 0 || typeof json === 'object')) return json
    if (types.has('array'))
      return text === '' ? [] : text.split(',').map((each) => coerce(each.trim(), itemsOf(schema)))
  }
  return text
}

function typesOf(schema: Schema | undefined): Set<string> {
  if (!schema) return new Set()
  const own = schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type
  const values = [...(schema.enum ?? []), ...('const' in schema ? [schema.const] : [])].map((value) => typeof value)
  return new Set([...own, ...values, ...(schema.anyOf ?? []).flatMap((each) => [...typesOf(each)])])
}

function itemsOf(schema: Schema | undefined): Schema | undefined {
  return schema?.items ?? schema?.anyOf?.find((each) => each.items)?.items
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readJson(file: string, option: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new UserError(`${option}: ${missing ? 'there is no file' : 'cannot read'} ${file}`)
  }
  return parseObject(text, file)
}

/** Reads a JSON object with parameters. @param where names it in the error @throws UserError when it is none */
export function parseObject(text: string, where: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UserError(`${where} is not JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError(`${where}: expected a JSON object with parameters, {"name": value}`)
  }
  return value as Record<string, unknown>
}
