import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@millrace/sdk'

/** Not a dependency of the project: an image has it where it is installed (release/images/programs.ts). */
const CONNECTOR = '@google-cloud/cloud-sql-connector'

/** What is used of the connector. https://github.com/GoogleCloudPlatform/cloud-sql-nodejs-connector */
interface ConnectorModule {
  readonly Connector: new () => {
    startLocalProxy(options: {
      instanceConnectionName: string
      ipType: string
      authType: string
      listenOptions: { path: string }
    }): Promise<void>
  }
}

/**
 * The URL of a Postgres that MILLRACE_DATABASE names: as it is, or, for `cloudsql://PROJECT:REGION:INSTANCE/DATABASE`, that
 * of a socket of this process which leads there, encrypted, and logs in as the account that the process runs as.
 * @throws UserError when it is a Cloud SQL instance and the image has no connector
 */
export async function databaseUrl(address: string): Promise<string> {
  if (!address.startsWith('cloudsql:')) return address
  const { instance, database } = parse(address)
  const connector = await loadConnector(address)
  const folder = join(tmpdir(), `millrace-database-${process.pid}`)
  await mkdir(folder, { recursive: true })
  await new connector.Connector().startLocalProxy({
    instanceConnectionName: instance,
    ipType: 'PRIVATE',
    authType: 'IAM',
    listenOptions: { path: join(folder, '.s.PGSQL.5432') },
  })
  return `postgres://${encodeURIComponent(await userName())}@localhost/${database}?host=${encodeURIComponent(folder)}`
}

function parse(address: string): { instance: string; database: string } {
  const [, instance, database] = /^cloudsql:\/\/([^:/]+:[^:/]+:[^:/]+)\/([^/]+)$/.exec(address) ?? []
  if (instance !== undefined && database !== undefined) return { instance, database }
  throw new UserError(`MILLRACE_DATABASE: expected cloudsql://PROJECT:REGION:INSTANCE/DATABASE, got "${address}"`)
}

async function loadConnector(address: string): Promise<ConnectorModule> {
  try {
    return (await import(CONNECTOR)) as ConnectorModule
  } catch {
    throw new UserError(
      `MILLRACE_DATABASE is the Cloud SQL instance ${address}, but this image was made without ${CONNECTOR}`,
      `Install it in the project (npm install ${CONNECTOR}) and make the images again, or give a postgres:// URL.`,
    )
  }
}

/** Postgres knows a service account by its e-mail address without the last part. */
async function userName(): Promise<string> {
  const { GoogleAuth } = await import('google-auth-library')
  const { client_email: email } = await new GoogleAuth().getCredentials()
  if (email !== undefined) return email.replace(/\.gserviceaccount\.com$/, '')
  throw new UserError('MILLRACE_DATABASE is a Cloud SQL instance, and this process runs as no service account')
}
