import { setTimeout as sleep } from 'node:timers/promises'
import { fullName } from './apis.ts'
import { type Asked, type GoogleError, isApiOff, type Refusal, refusal, unreachable } from './refusal.ts'

/** A call of one of Google Cloud's REST APIs. */
export interface Call extends Omit<Asked, 'project'> {
  readonly api: 'cloudkms' | 'iam' | 'serviceusage' | 'storage'
  /** @default GET */
  readonly method?: 'POST' | 'PATCH' | 'PUT'
  /** From the version on: `/v1/projects/…`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: unknown
}

/** Google Cloud, as far as the person who is logged in may use it. */
export interface Google {
  /**
   * Makes a call; what may pass (too many requests, a server's failure, the network) is tried again.
   * @throws Refusal
   */
  ask<T>(call: Call): Promise<T>
  /** The same, and waits for an API that was switched on a moment ago. */
  askPatiently<T>(call: Call): Promise<T>
  /** Makes a call whose answer is an operation, and waits until that is over. @returns what came of it */
  finish<T>(call: Call): Promise<T | undefined>
  /** Waits so many milliseconds. */
  pause(milliseconds: number): Promise<unknown>
}

export interface GoogleOptions {
  readonly project: string
  /** Headers that say who asks. */
  readonly credentials: (url: string) => Promise<Headers>
  /** Stands for Google: calls go to `ENDPOINT/storage.googleapis.com/…`. */
  readonly endpoint?: string | undefined
  readonly pause?: (milliseconds: number) => Promise<unknown>
}

/** https://cloud.google.com/service-usage/docs/reference/rest/v1/operations */
interface Operation<T> {
  readonly name: string
  readonly done?: boolean
  readonly response?: T
  readonly error?: GoogleError & { readonly code?: number }
}

type Answer = { readonly body: unknown } | { readonly refused: Refusal; readonly after?: number | undefined }

const ATTEMPTS = 6
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 30_000
const ANSWER_WITHIN_MS = 60_000
const FIRST_POLL_MS = 200
const LONGEST_POLL_MS = 5000
/** After an API was switched on it answers within seconds, most of the time; Google says "a few minutes". */
const API_ANSWERS_WITHIN_MS = 5 * 60_000
const OPERATION_ENDS_WITHIN_MS = 10 * 60_000

/** An operation's error has a code of gRPC: https://cloud.google.com/apis/design/errors#handling_errors */
const STATUS_OF: Readonly<Record<number, number>> = { 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 14: 503, 16: 401 }

/** Calls Google Cloud for one project. */
export function google({ project, credentials, endpoint, pause = sleep }: GoogleOptions): Google {
  async function ask<T>(call: Call): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const answer = await send(call)
      if ('body' in answer) return answer.body as T
      const { refused, after = FIRST_PAUSE_MS * 2 ** (attempt - 1) } = answer
      if (!mayPass(refused.status) || attempt === ATTEMPTS) throw refused
      await pause(Math.min(after, LONGEST_PAUSE_MS))
    }
  }

  async function askPatiently<T>(call: Call): Promise<T> {
    for (const waits = polls(API_ANSWERS_WITHIN_MS); ; ) {
      try {
        return await ask<T>(call)
      } catch (error) {
        const wait = waits.next()
        if (!isApiOff(error) || wait.done) throw error
        await pause(wait.value)
      }
    }
  }

  async function finish<T>(call: Call): Promise<T | undefined> {
    const { what, permission, api } = call
    const [, version] = call.path.split('/')
    let operation = await askPatiently<Operation<T>>(call)
    for (const wait of polls(OPERATION_ENDS_WITHIN_MS)) {
      if (operation.done) break
      await pause(wait)
      operation = await ask<Operation<T>>({ what, permission, api, path: `/${version}/${operation.name}` })
    }
    const { done, error, response } = operation
    if (!done) throw refusal({ what, permission, project }, 504, { message: 'it takes longer than ten minutes' })
    if (error) throw refusal({ what, permission, project }, STATUS_OF[error.code ?? 0] ?? 500, error)
    return response
  }

  async function send(call: Call): Promise<Answer> {
    const asked: Asked = { what: call.what, permission: call.permission, project }
    const url = urlOf(call, endpoint)
    const headers = await credentials(url)
    if (call.body !== undefined) headers.set('content-type', 'application/json')
    try {
      const response = await fetch(url, {
        method: call.method ?? 'GET',
        headers,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      })
      const text = await response.text()
      if (response.ok) return { body: text ? JSON.parse(text) : {} }
      return { refused: refusal(asked, response.status, errorIn(text)), after: retryAfter(response.headers) }
    } catch (error) {
      return { refused: unreachable(asked, fullName(call.api), error) }
    }
  }

  return { ask, askPatiently, finish, pause }
}

/** How long to wait before each look: short at first, for most things are done soon. */
function* polls(atMost: number): Generator<number, void> {
  let wait = FIRST_POLL_MS
  for (let waited = 0; waited < atMost; waited += wait) {
    yield wait
    wait = Math.min(wait * 2, LONGEST_POLL_MS)
  }
}

function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

function urlOf({ api, path, query = {} }: Call, endpoint: string | undefined): string {
  const url = new URL(
    endpoint === undefined ? `https://${fullName(api)}${path}` : `${endpoint}/${fullName(api)}${path}`,
  )
  for (const [name, value] of Object.entries(query)) {
    for (const each of typeof value === 'string' ? [value] : value) url.searchParams.append(name, each)
  }
  return url.href
}

/** A proxy, or a front end that is overloaded, answers in HTML. */
function errorIn(text: string): GoogleError {
  try {
    return (JSON.parse(text) as { error?: GoogleError }).error ?? {}
  } catch {
    return {}
  }
}

function retryAfter(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) ? seconds * 1000 : undefined
}
