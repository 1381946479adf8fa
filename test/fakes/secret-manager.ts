import { type Answer, type Served, serve } from './serve.ts'

export type VersionState = 'ENABLED' | 'DISABLED' | 'DESTROYED'

/**
 * Secret Manager's REST API, as far as versions of secrets are looked at and enabled, below `/secretmanager.googleapis.com`:
 * https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions
 * @param versions their states, by `projects/…/secrets/NAME/versions/3`; those of the project `denied` answer 403
 */
export async function fakeSecretManager(versions: Map<string, VersionState>): Promise<Served> {
  return await serve(({ method, url }) => {
    const [, name = '', verb] = /^\/secretmanager\.googleapis\.com\/v1\/([^:]+)(?::(\w+))?$/.exec(url.pathname) ?? []
    if (name.startsWith('projects/denied/')) {
      return error(403, 'PERMISSION_DENIED', `Permission denied for resource '${name}' (or it may not exist).`)
    }
    const state = versions.get(name)
    if (state === undefined) return error(404, 'NOT_FOUND', `Secret Version [${name}] not found.`)
    if (method === 'POST' && verb === 'enable') {
      if (state === 'DESTROYED')
        return error(400, 'FAILED_PRECONDITION', `Secret Version [${name}] is in DESTROYED state.`)
      versions.set(name, 'ENABLED')
    }
    return { status: 200, body: JSON.stringify({ name, state: versions.get(name), etag: '"1"' }) }
  })
}

function error(code: number, status: string, message: string): Answer {
  return { status: code, body: JSON.stringify({ error: { code, message, status } }) }
}
