import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { UserError } from './errors.ts'
import { shared } from './scope.ts'
import { mapStrings } from './strings-in.ts'

/** Takes more letters than a name may have: a misspelt reference is to be an error, not to stay as it is. */
const REFERENCE = /secret:\/\/([\w-]*)/g
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

/** `text` with the value of every secret read so far replaced, also as it stands in an address or in JSON. */
export function redact(text: string): string {
  const found = secretsRead()
  return found ? text.replace(found.anyForm, REDACTED) : text
}

/** A copy of `value` with secret values replaced in every text in it, those of errors too. */
export function redactDeep<T>(value: T): T {
  return secretsRead() ? (mapStrings(value, redact, { errors: true }) as T) : value
}

/**
 * A copy of `value` in which the value of every secret read so far is replaced by its `secret://` reference:
 * the opposite of {@link resolveSecrets}, for what is written down.
 * @param mark turns each text that held a secret into what should stand in its place
 */
export function hideSecrets<T>(value: T, mark: (reference: string) => unknown = (reference) => reference): T {
  const found = secretsRead()
  if (!found) return value
  return mapStrings(value, (text) => {
    const result = text.replace(found.asItIs, (hidden) => `secret://${found.names.get(hidden)}`)
    return result === text ? text : mark(result)
  }) as T
}

/** What to look for in a text. */
interface SecretsRead {
  /** By value. */
  readonly names: ReadonlyMap<string, string>
  readonly asItIs: RegExp
  readonly anyForm: RegExp
}

let lastRead: SecretsRead | undefined

/** The secrets read so far that can be told from other text; undefined when there are none. */
function secretsRead(): SecretsRead | undefined {
  if (shared.secrets.size === 0) return undefined
  const names = new Map<string, string>()
  for (const [name, value] of shared.secrets) if (value.length >= SHORTEST_REDACTED) names.set(value, name)
  if (names.size === 0) return undefined
  if (!lastRead || !isEqual(lastRead.names, names)) {
    const values = [...names.keys()]
    lastRead = { names, asItIs: anyOf(values), anyForm: anyOf(values.flatMap(formsOf)) }
  }
  return lastRead
}

function isEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}

/** A secret as it is, in an address, and in JSON. */
function formsOf(value: string): string[] {
  return [value, encodeURIComponent(value.toWellFormed()), JSON.stringify(value).slice(1, -1)]
}

/** The longest first: one secret may be the start of another. One pass: what was put in is not looked at again. */
function anyOf(texts: readonly string[]): RegExp {
  const longestFirst = [...new Set(texts)].sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'g')
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
