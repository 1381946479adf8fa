import { applicationDefault } from '../bootstrap/credentials.ts'
import { type GoogleError, refusal, unreachable } from '../bootstrap/refusal.ts'

export type SecretVersionState = 'ENABLED' | 'DISABLED' | 'DESTROYED'

/** Versions of secrets, by their names: `projects/…/secrets/NAME/versions/3`. */
export interface SecretVersions {
  /** @returns undefined when there is no such version */
  stateOf(version: string): Promise<SecretVersionState | undefined>
  /** Lets one that was disabled be read again. */
  enable(version: string): Promise<void>
}

const HOST = 'secretmanager.googleapis.com'
const ANSWER_WITHIN_MS = 30_000

/**
 * Those of Secret Manager, as whoever is logged in may use them.
 * https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
 * @param endpoint stands for Google Cloud, and is asked without credentials: calls go to `ENDPOINT/secretmanager…`
 */
export function secretManager(endpoint?: string): SecretVersions {
  async function ask(method: 'GET' | 'POST', version: string, verb: '' | ':enable') {
    const [, project = ''] = version.split('/')
    const permission = `secretmanager.versions.${verb === '' ? 'get' : 'enable'}`
    const asked = { what: `${verb === '' ? 'look at' : 'enable'} ${version}`, permission, project }
    const url = `${endpoint === undefined ? 'https:/' : endpoint}/${HOST}/v1/${version}${verb}`
    const headers = endpoint === undefined ? await applicationDefault(project)(url) : new Headers()
    headers.set('content-type', 'application/json')
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const response = await fetch(url, { method, headers, signal, ...(method === 'POST' && { body: '{}' }) }).catch(
      (error: unknown) => {
        throw unreachable(asked, HOST, error)
      },
    )
    const text = await response.text()
    if (response.ok) return JSON.parse(text) as { readonly state?: SecretVersionState }
    if (response.status === 404 && verb === '') return undefined
    throw refusal(asked, response.status, errorIn(text))
  }

  return {
    stateOf: async (version) => (await ask('GET', version, ''))?.state,
    enable: async (version) => void (await ask('POST', version, ':enable')),
  }
}

function errorIn(text: string): GoogleError {
  try {
    return (JSON.parse(text) as { readonly error?: GoogleError }).error ?? {}
  } catch {
    return {}
  }
}
