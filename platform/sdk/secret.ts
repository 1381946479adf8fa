import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { UserError } from './errors.ts'
import { shared } from './scope.ts'

const REFERENCE = /secret:\/\/([a-z0-9][a-z0-9-]*)/g
const REDACTED = '[redacted]'
/** Shorter values would redact half of every log line; a secret that short protects nothing. */
const SHORTEST_REDACTED = 4

/** The environment variable that holds a secret: `postgis-password` is `POSTGIS_PASSWORD`. */
export function secretVariable(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}

/**
 * The value of a secret: from the environment variable of that name (`postgis-password`: `POSTGIS_PASSWORD`),
 * or from the file `.env` in the working folder. From then on the value is redacted from every log line and
 * error text, and travels by name where it is part of a task's arguments.
 * @throws UserError when it is not set
 */
export function secret(name: string): string {
  const known = shared.secrets.get(name)
  if (known !== undefined) return known
  if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) {
    throw new UserError(`secret "${name}": a name is made of lower-case letters, digits and "-"`)
  }
  const variable = secretVariable(name)
  const value = process.env[variable] ?? fromDotEnv(variable)
  if (value === undefined) {
    throw new UserError(`secret ${name} is not set`, `Set the environment variable ${variable}, or put it in .env.`)
  }
  shared.secrets.set(name, value)
  return value
}

/**
 * A copy of `value` in which every `secret://name`, at any depth and inside longer text
 * (`postgres://app:secret://db-password@host/db`), is replaced by the secret's value.
 * @throws UserError when one is not set
 */
export function resolveSecrets<T>(value: T): T {
  return mapStrings(value, (text) => text.replaceAll(REFERENCE, (_, name: string) => secret(name))) as T
}

/** `text` with the value of every secret read so far replaced. */
export function redact(text: string): string {
  let result = text
  for (const value of shared.secrets.values()) {
    if (value.length >= SHORTEST_REDACTED && result.includes(value)) result = result.replaceAll(value, REDACTED)
  }
  return result
}

/** A copy of `value` with secret values replaced in every text in it. */
export function redactDeep<T>(value: T): T {
  return shared.secrets.size === 0 ? value : (mapStrings(value, redact) as T)
}

/**
 * A copy of `value` in which the value of every secret read so far is replaced by its `secret://` reference:
 * the opposite of {@link resolveSecrets}, for what is written down.
 * @param mark turns each text that held a secret into what should stand in its place
 */
export function hideSecrets<T>(value: T, mark: (reference: string) => unknown = (reference) => reference): T {
  const secrets = [...shared.secrets].filter(([, text]) => text.length >= SHORTEST_REDACTED)
  if (secrets.length === 0) return value
  return mapStrings(value, (text) => {
    let result = text
    for (const [name, hidden] of secrets) {
      if (result.includes(hidden)) result = result.replaceAll(hidden, `secret://${name}`)
    }
    return result === text ? text : mark(result)
  }) as T
}

function mapStrings(value: unknown, change: (text: string) => unknown): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change))
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [mapStrings(key, change), mapStrings(item, change)]))
  }
  if (value instanceof Set) return new Set([...value].map((item) => mapStrings(item, change)))
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]))
  }
  return value
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

let dotEnv: Record<string, string | undefined> | undefined

function fromDotEnv(variable: string): string | undefined {
  if (!dotEnv) {
    try {
      dotEnv = parseEnv(readFileSync('.env', 'utf8'))
    } catch {
      dotEnv = {}
    }
  }
  return dotEnv[variable]
}
