import { secretVariable, UserError } from '@millrace/sdk'

const API = 'https://secretmanager.googleapis.com'
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const ATTEMPTS = 5
const FIRST_PAUSE_MS = 200

/**
 * Reads secrets from Secret Manager, as the account that the process runs as, and puts each where `secret('name')` finds
 * it: in the environment of this process, which nobody outside sees.
 * @param versions resource name of a version, by the secret's name: `projects/…/secrets/NAME/versions/3`
 * @throws UserError when one cannot be read
 */
export async function readSecrets(versions: Readonly<Record<string, string>>): Promise<void> {
  const names = Object.entries(versions)
  if (names.length === 0) return
  const headers = await credentials()
  await Promise.all(
    names.map(async ([name, version]) => {
      process.env[secretVariable(name)] = await read(name, version, headers)
    }),
  )
}

/** `MILLRACE_GOOGLE_ENDPOINT=http://host:port` stands for Google Cloud, and is asked without credentials. */
async function credentials(): Promise<Headers> {
  if (process.env.MILLRACE_GOOGLE_ENDPOINT !== undefined) return new Headers()
  const { GoogleAuth } = await import('google-auth-library')
  return new Headers(await new GoogleAuth({ scopes: [SCOPE] }).getRequestHeaders(API))
}

async function read(name: string, version: string, headers: Headers): Promise<string> {
  const endpoint = process.env.MILLRACE_GOOGLE_ENDPOINT
  const url = `${endpoint === undefined ? API : `${endpoint}/secretmanager.googleapis.com`}/v1/${version}:access`
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) }).catch((error: Error) => error)
    if (!(answer instanceof Error) && answer.ok) {
      const { payload } = (await answer.json()) as { payload: { data: string } }
      return Buffer.from(payload.data, 'base64').toString('utf8')
    }
    const mayPass = answer instanceof Error || answer.status === 429 || answer.status >= 500
    if (!mayPass || attempt === ATTEMPTS) {
      throw new UserError(`secret ${name}: cannot read ${version}: ${reasonOf(answer)}`, adviceFor(answer))
    }
    await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (attempt - 1)))
  }
}

function reasonOf(answer: Error | Response): string {
  if (answer instanceof Error) return answer.message
  return `Secret Manager answers ${answer.status}${answer.statusText ? ` ${answer.statusText}` : ''}`
}

function adviceFor(answer: Error | Response): string | undefined {
  if (answer instanceof Error) return undefined
  if (answer.status === 403) return 'Its account needs the role Secret Manager Secret Accessor on this secret.'
  return answer.status === 404 ? 'There is no such version: look at "millrace secrets list".' : undefined
}
