import type { GoogleAuth } from '@google-cloud/cloud-sql-connector'
import { UserError } from '@millrace/sdk'
import type pg from 'pg'
import { explainCloudSql } from './cloud-sql-error.ts'

/** `cloudsql://PROJECT:REGION:INSTANCE/DATABASE`, and which of its addresses to connect to: `?ip=public`. */
export interface CloudSqlAddress {
  /** `PROJECT:REGION:INSTANCE` */
  readonly instance: string
  readonly database: string
  /** @default "private": that of the network that the platform is in */
  readonly ip: 'private' | 'public' | 'psc'
}

/** A way to an instance that is open: who this process is there, and connections to it. */
interface Route {
  readonly user: string
  readonly stream: NonNullable<pg.ClientConfig['stream']>
  close(): void
}

interface HeldRoute {
  readonly opening: Promise<Route>
  open?: Route
  holders: number
}

const routes = new Map<string, HeldRoute>()

export function isCloudSql(url: string): boolean {
  return url.startsWith('cloudsql:')
}

/** @throws UserError when it does not name an instance and a database */
export function readCloudSql(url: string): CloudSqlAddress {
  const [, instance, database, query = ''] =
    /^cloudsql:\/\/((?:[^:/?#@]+:){2,3}[^:/?#@]+)\/([^/?#]+)(?:\?(.*))?$/.exec(url) ?? []
  const ip = new URLSearchParams(query).get('ip') ?? 'private'
  if (instance === undefined || database === undefined) {
    throw new UserError(`the database URL must be cloudsql://PROJECT:REGION:INSTANCE/DATABASE, got "${shown(url)}"`)
  }
  if (ip !== 'private' && ip !== 'public' && ip !== 'psc') {
    throw new UserError(`the database URL: ip must be private, public or psc, got "${ip}"`)
  }
  return { instance, database: decodeURIComponent(database), ip }
}

/**
 * Opens the way to the Cloud SQL instance that a URL names, for as long as somebody holds it: there is one for each
 * instance in a process, however many databases are opened. It is encrypted, and logs in as the account that the process
 * has Google's credentials of. Other URLs need none.
 * @returns what lets go of it
 * @throws UserError when there are no credentials, or they may not connect, or there is no such instance
 */
export async function holdCloudSql(url: string): Promise<() => void> {
  if (!isCloudSql(url)) return () => {}
  const address = readCloudSql(url)
  const key = keyOf(address)
  const held = routes.get(key) ?? { opening: openRoute(address), holders: 0 }
  routes.set(key, held)
  held.holders++
  let isHeld = true
  const letGo = (): void => {
    if (!isHeld) return
    isHeld = false
    held.holders--
    if (held.holders > 0) return
    if (routes.get(key) === held) routes.delete(key)
    held.open?.close()
  }
  try {
    held.open = await held.opening
    return letGo
  } catch (error) {
    letGo()
    throw error
  }
}

/** How a client of Postgres connects to a Cloud SQL instance, to which somebody holds the way open. */
export function cloudSqlClient(url: string): Pick<pg.ClientConfig, 'user' | 'database' | 'stream' | 'ssl'> {
  const address = readCloudSql(url)
  const route = routes.get(keyOf(address))?.open
  if (!route) throw new Error(`nobody holds the way to ${address.instance} open`)
  // The way is encrypted already.
  return { user: route.user, database: address.database, stream: route.stream, ssl: false }
}

/** How Postgres knows an account: a service account by its address without the last part, a person by the address. */
export function loginName(email: string): string {
  return email.toLowerCase().replace(/\.gserviceaccount\.com$/, '')
}

async function openRoute(address: CloudSqlAddress): Promise<Route> {
  // Half a second of loading, for those who need it alone.
  const { AuthTypes, Connector, GoogleAuth, IpAddressTypes } = await import('@google-cloud/cloud-sql-connector')
  // `MILLRACE_GOOGLE_ENDPOINT=http://host:port` stands for Google Cloud; this client asks below its root.
  const endpoint = process.env.MILLRACE_GOOGLE_ENDPOINT
  const connector = new Connector(endpoint === undefined ? {} : { sqlAdminAPIEndpoint: endpoint })
  const ipType = { private: IpAddressTypes.PRIVATE, public: IpAddressTypes.PUBLIC, psc: IpAddressTypes.PSC }[address.ip]
  const asked = { instanceConnectionName: address.instance, ipType, authType: AuthTypes.IAM }
  const [options, email] = await Promise.allSettled([connector.getOptions(asked), emailOf(new GoogleAuth())])
  if (options.status === 'rejected') throw explainCloudSql(address, options.reason)
  if (email.status === 'rejected') {
    connector.close()
    throw explainCloudSql(address, email.reason)
  }
  const { stream } = options.value
  return { user: loginName(email.value), stream, close: () => connector.close() }
}

/** Whose credentials these are. Those of a person say it only when they are asked. */
export async function emailOf(auth: Pick<GoogleAuth, 'getCredentials' | 'getClient'>): Promise<string> {
  const { client_email: email } = await auth.getCredentials()
  if (email !== undefined) return email
  const client = await auth.getClient()
  const { token } = await client.getAccessToken()
  const told = token && 'getTokenInfo' in client ? (await client.getTokenInfo(token)).email : undefined
  if (told !== undefined) return told
  throw new UserError(
    'Google’s credentials here do not say whose they are, which a Cloud SQL database must know',
    'Log in anew with: gcloud auth application-default login',
  )
}

function keyOf({ instance, ip }: CloudSqlAddress): string {
  return `${instance} ${ip}`
}

/** As it was given, but for a user and password that do not belong there. */
function shown(url: string): string {
  return url.replace(/\/\/.*@/, '//…@').slice(0, 100)
}
