import { UserError } from '@millrace/sdk'
import type { CloudSqlAddress } from './cloud-sql.ts'

/** What is of use in an error of Google's libraries. */
interface GoogleError {
  readonly message?: string
  readonly code?: unknown
  readonly status?: unknown
  readonly response?: { readonly status?: number; readonly data?: unknown }
}

const LOG_IN = 'Log in with "gcloud auth application-default login", or run as a service account.'

/** Pure: says in a sentence why the way to a Cloud SQL instance could not be opened, and what to do about it. */
export function explainCloudSql({ instance, ip }: CloudSqlAddress, error: unknown): UserError {
  if (error instanceof UserError) return error
  const { message = String(error), code, response, status } = error as GoogleError
  const project = instance.split(':').slice(0, -2).join(':')
  const words = firstLine(wordsOf(response?.data) ?? message)
  const http = response?.status ?? (typeof status === 'number' ? status : Number(code))
  const mistake = (what: string, hint?: string): UserError => {
    return new UserError(`the Cloud SQL instance ${instance}: ${what}`, hint)
  }
  if (/Could not load the default credentials/.test(message)) {
    return mistake('there are no Google credentials here to log in with', LOG_IN)
  }
  if (/invalid_grant|invalid_rapt|reauth related error/i.test(`${message} ${words}`)) {
    return mistake(`Google does not take the credentials here any more: ${words}`, LOG_IN)
  }
  if (http === 403 && /has not been used in project|is disabled|SERVICE_DISABLED|accessNotConfigured/.test(words)) {
    return mistake(
      `the Cloud SQL Admin API is off in project ${project}`,
      `Switch it on: gcloud services enable sqladmin.googleapis.com --project ${project}`,
    )
  }
  if (http === 403) {
    const [permission = 'cloudsql.instances.connect'] = /cloudsql\.[a-zA-Z]+\.[a-zA-Z]+/.exec(words) ?? []
    return mistake(
      `this account lacks the permission ${permission}`,
      'It needs the roles "Cloud SQL Client" and "Cloud SQL Instance User" in the project.',
    )
  }
  if (http === 404) return mistake('there is none of this name')
  if (http === 401) return mistake(`Google does not take the credentials here: ${words}`, LOG_IN)
  if (code === 'ENOPRIVATESQLADMINIPADDRESS' || code === 'ENOPUBLICSQLADMINIPADDRESS') {
    return mistake(`it has no ${ip} address`, `Another one is chosen by the URL: ?ip=${otherThan(ip)}`)
  }
  if (code === 'EBADSQLADMINREGION') return mistake(`it is in another region: ${words}`)
  return mistake(`cannot be reached: ${words}`)
}

function otherThan(ip: CloudSqlAddress['ip']): string {
  return ip === 'private' ? 'public' : 'private'
}

/** What an API of Google says in the body of an answer that is an error. */
function wordsOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const { error, error_description: described } = data as { error?: unknown; error_description?: unknown }
  if (typeof described === 'string') return described
  if (typeof error === 'string') return error
  const { message } = (error ?? {}) as { message?: unknown }
  return typeof message === 'string' ? message : undefined
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}
