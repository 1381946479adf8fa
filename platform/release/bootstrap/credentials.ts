import { UserError } from '@millrace/sdk'
import { LOG_IN } from './refusal.ts'

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

/**
 * The headers that say who asks: whoever is logged in on this machine (Application Default Credentials). The project
 * itself is named as the one whose quota is used, since a person's login has none.
 * @throws UserError when nobody is logged in, or the login has expired
 */
export function applicationDefault(project: string): (url: string) => Promise<Headers> {
  let auth: Promise<{ getRequestHeaders(url: string): Promise<Headers> }> | undefined
  return async (url) => {
    auth ??= import('google-auth-library').then(
      ({ GoogleAuth }) => new GoogleAuth({ scopes: [SCOPE], projectId: project }),
    )
    try {
      const headers = new Headers(await (await auth).getRequestHeaders(url))
      headers.set('x-goog-user-project', project)
      return headers
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error)
      if (/could not load the default credentials/i.test(words)) {
        throw new UserError('there are no Google credentials on this machine', LOG_IN)
      }
      // The words of a refused login, such as "invalid_grant", say little; the way out is the same for all.
      throw new UserError(`Google does not take the credentials of this machine: ${words}`, LOG_IN)
    }
  }
}
