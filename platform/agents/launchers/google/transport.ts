import { UserError } from '@millrace/sdk'
import { GoogleAuth, PassThroughClient } from 'google-auth-library'
import { NoAnswer, readRefusal } from './refusal.ts'

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const ANSWER_WITHIN_MS = 60_000
const LOGIN = 'Log in with "gcloud auth application-default login", or run as a service account of Google Cloud.'

type Fetch = GoogleAuth['fetch']
type Fetched<T> = ReturnType<typeof GoogleAuth.prototype.fetch<T>>

/**
 * What carries the calls of Google's clients, as their `auth`. Each answer is read here, whole: so an error has all that
 * Google said of it, "Retry-After" included, which the clients drop, and a connection that breaks within an answer
 * is told from a refusal.
 */
export class Transport extends GoogleAuth {
  readonly #endpoint: string | undefined

  /** @param endpoint stands for Google Cloud, and is asked without credentials: `ENDPOINT/run.googleapis.com/v2/…` */
  constructor(endpoint: string | undefined) {
    super(endpoint === undefined ? { scopes: [SCOPE] } : { authClient: new PassThroughClient() })
    this.#endpoint = endpoint
  }

  /** @throws UserError when nobody is logged in */
  override async getClient(): ReturnType<GoogleAuth['getClient']> {
    try {
      return await super.getClient()
    } catch (error) {
      throw new UserError(`no credentials for Google Cloud: ${messageOf(error)}`, LOGIN)
    }
  }

  override async fetch<T>(...[input, init]: Parameters<Fetch>): Fetched<T> {
    const { response, body } = await this.#send<T>(this.#urlOf(String(input)), init ?? {})
    if (!response.ok) throw readRefusal(response.status, response.headers, Buffer.from(body).toString())
    const { status, headers, config, data } = response
    return Object.assign(new Response(status === 204 ? null : body, { status, headers }), { config, data })
  }

  async #send<T>(url: string, init: RequestInit) {
    const late = AbortSignal.timeout(ANSWER_WITHIN_MS)
    try {
      const response = await super.fetch<T>({
        ...init,
        url,
        signal: init.signal ? AbortSignal.any([init.signal, late]) : late,
        responseType: 'stream',
        validateStatus: () => true,
      })
      return { response, body: await response.arrayBuffer() }
    } catch (error) {
      if (error instanceof UserError) throw error
      // Its own statuses never reject: one comes from where credentials are exchanged for a token.
      if (isRejected(error))
        throw new UserError(`Google Cloud does not take these credentials: ${error.message}`, LOGIN)
      throw new NoAnswer(`no answer from ${new URL(url).host}: ${messageOf(error)}`, { cause: error })
    }
  }

  #urlOf(url: string): string {
    const { hostname, pathname, search } = new URL(url)
    return this.#endpoint === undefined ? url : `${this.#endpoint}/${hostname}${pathname}${search}`
  }
}

function isRejected(error: unknown): error is Error {
  return error instanceof Error && 'status' in error && (error.status === 400 || error.status === 401)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
