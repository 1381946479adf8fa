import { leaves } from '../../plan/walk.ts'
import type { ResourcePolicy } from '../policy.ts'

const EVERYBODY = /\ball(?:Authenticated)?Users\b/
/** Everybody, as Kubernetes writes it. */
const ANONYMOUS = ['system:anonymous', 'system:unauthenticated', 'system:authenticated']
/** Access lists that Google makes up: `publicRead`. */
const PREDEFINED = /^(?:public|authenticated)Read/
/** For people to read; they may speak of everybody. */
const PROSE = ['description', 'displayName', 'title', 'content', 'dashboardJson']
const ACCESS_LIST =
  /^gcp:storage\/(?:bucketACL|bucketAccessControl|(?:default)?[oO]bjectACL|(?:default)?[oO]bjectAccessControl):/

export const noPublicMembers: ResourcePolicy = {
  name: 'no-public-members',
  description: 'Nothing is granted to everybody: not to allUsers, not to allAuthenticatedUsers, not by access lists.',
  reason: 'A grant to all users is a page on the internet; "all authenticated users" is anyone with a Google account.',
  *resource({ type, inputs }) {
    if (ACCESS_LIST.test(type)) {
      yield {
        property: 'type',
        wrong: 'is an access list, which uniform bucket-level access does not know',
        fix: 'grant a role with storage.BucketIAMMember',
      }
    }
    for (const { path, key, value } of leaves(inputs)) {
      if (typeof value !== 'string' || PROSE.includes(key)) continue
      const isPublic = type.startsWith('kubernetes:')
        ? ANONYMOUS.includes(value)
        : EVERYBODY.test(value) || (key === 'predefinedAcl' && PREDEFINED.test(value))
      if (!isPublic) continue
      yield {
        property: path,
        wrong: `lets everybody in: ${JSON.stringify(value)}`,
        fix: 'name the service account, group or user that needs it',
      }
    }
  },
}
