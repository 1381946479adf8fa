import { UserError } from '@millrace/sdk'
import pg from 'pg'
import { cloudSqlClient, isCloudSql, readCloudSql } from './cloud-sql.ts'

/** Numbers and times as JavaScript has them; for these connections only, not for those that a flow opens. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === pg.types.builtins.INT8) return Number
    if (format !== 'binary' && oid === pg.types.builtins.TIMESTAMPTZ) return (text: string) => Date.parse(text)
    return pg.types.getTypeParser(oid, format as 'text')
  }) as typeof pg.types.getTypeParser,
}

/**
 * Plans must not go by statistics: a run that is seconds old is in none, and a new database has none at all. There the
 * planner takes the table of task runs for ten pages and reads all of it to update the rows of one batch, at every
 * batch (measured: 16,000 tasks/s in an empty database fell to 3,200 with 40,000 rows in it, until the first analyze).
 * All our statements are lookups by an index or by place.
 */
const SETTINGS = [
  'search_path=millrace',
  'jit=off',
  'client_min_messages=warning',
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
]

/** The database is away, and stayed away. */
export class DatabaseGoneError extends Error {
  override name = 'DatabaseGoneError'
}

/** Host, port and name of a database, without user and password: for messages. */
export function place(url: string): string {
  try {
    if (isCloudSql(url)) {
      const { instance, database } = readCloudSql(url)
      return `${instance}/${database}`
    }
    const { hostname, port, pathname } = new URL(url)
    return `${hostname || 'localhost'}:${port || 5432}${pathname}`
  } catch {
    return 'the given URL'
  }
}

/**
 * How to connect to the database at a URL. The way to a Cloud SQL instance must be held open (cloud-sql.ts).
 * @throws UserError when the URL is not one of a Postgres
 */
export function clientConfig(url: string, name = 'millrace'): pg.ClientConfig {
  return {
    ...(isCloudSql(url) ? cloudSqlClient(url) : { connectionString: checked(url) }),
    application_name: name,
    types,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    connectionTimeoutMillis: 10_000,
    options: SETTINGS.map((setting) => `-c ${setting}`).join(' '),
  }
}

/** Nothing of a URL that is wrong is shown: who knows which part of it is a password. */
function checked(url: string): string {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new UserError('the database URL must start with postgres://, or with cloudsql:// for a Cloud SQL instance')
  }
  try {
    // Read as it will be: it may name a socket, which is no URL for others.
    new pg.Client({ connectionString: url })
  } catch (error) {
    if (codeOf(error) !== 'ERR_INVALID_URL' && !(error instanceof URIError)) throw error
    throw new UserError(
      'the database URL cannot be read',
      'Signs such as @, / and # in its user or password must be written as %40, %2F and %23.',
    )
  }
  return url
}

/** The sentence in an error. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0])
  return error instanceof Error
    ? error.message || String((error as { code?: unknown }).code ?? error.name)
    : String(error)
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return String((error as { code?: unknown } | undefined)?.code ?? '')
}

/** Shutting down, starting up, too many clients, and everything that breaks a connection. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error)
  if (
    /^(57P0[123]|53300|08...|E(CONNREFUSED|CONNRESET|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|AI_AGAIN|NOTFOUND))$/.test(
      code,
    )
  ) {
    return true
  }
  return /Connection terminated|connection timeout|not queryable|Client has encountered a connection error/i.test(
    messageOf(error),
  )
}

/** Makes a mistake of the user of what a first connection failed with, where it is one. */
export function explainConnect(url: string, error: unknown): Error {
  const code = codeOf(error)
  const at = place(url)
  if (error instanceof UserError) return error
  if (isCloudSql(url) && (isAway(error) || /^28/.test(code))) return explainCloudSqlConnect(url, error)
  if (code === 'ECONNREFUSED') return new UserError(`no database answers at ${at}`, 'Is it running? Is the port right?')
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return new UserError(`the database host of ${at} is not known`)
  if (code === '28P01' || code === '28000') return new UserError(`the database at ${at} refuses this user or password`)
  if (code === '3D000') return new UserError(`there is no database of that name at ${at}`)
  if (code === '42501') {
    return new UserError(
      `the user may not create or change the schema millrace in ${at}: ${messageOf(error)}`,
      'Whoever owns it brings it up to date; others need the rights of the role millrace_app.',
    )
  }
  if (isAway(error) || /SASL|password/.test(messageOf(error))) {
    return new UserError(`cannot connect to the database at ${at}: ${messageOf(error)}`)
  }
  return error instanceof Error ? error : new Error(String(error))
}

/** The way to it was found, but it cannot be walked. */
function explainCloudSqlConnect(url: string, error: unknown): UserError {
  const at = place(url)
  const { ip } = readCloudSql(url)
  if (!isAway(error)) {
    return new UserError(
      `the database at ${at} does not let this account in: ${messageOf(error)}`,
      'It must be a user of the instance that logs in by IAM.',
    )
  }
  return new UserError(
    `cannot connect to the database at ${at}, by its ${ip} address: ${messageOf(error)}`,
    ip === 'private'
      ? 'A private address can be reached from its network alone; if it has a public one, add ?ip=public to the URL.'
      : undefined,
  )
}
