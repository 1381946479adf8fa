import { grantOf } from '../grants.ts'
import type { ResourcePolicy } from '../policy.ts'

const ROLE = /^(?:roles\/[\w.]+|(?:projects|organizations)\/[^/]+\/roles\/[\w.]+)$/

export const roleNames: ResourcePolicy = {
  name: 'role-names',
  description: 'Roles are written with what comes before their name: roles/, projects/…/roles/ or organizations/….',
  reason: 'The provider passes on what it is given; Google knows no role of that name.',
  *resource(resource) {
    const role = grantOf(resource)?.role
    if (typeof role !== 'string' || ROLE.test(role)) return
    yield {
      property: 'role',
      wrong: `is "${role}", which is no role`,
      fix: /^[\w.]+$/.test(role) ? `write "roles/${role}"` : 'write roles/SERVICE.NAME, or projects/PROJECT/roles/ID',
    }
  },
}
