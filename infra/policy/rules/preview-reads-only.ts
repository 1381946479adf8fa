import { customRoleOf, grantsOf, isAccount, namesAccount, permissionsOf } from '../grants.ts'
import type { PlanPolicy } from '../policy.ts'
import { isReadPermission, isReadRole } from '../read-roles.ts'
import { below, isComponent } from '../tree.ts'
import { is, textAt } from '../values.ts'

export const previewReadsOnly: PlanPolicy = {
  name: 'preview-reads-only',
  description: 'The identity of pull requests on GitHub can look, and change nothing.',
  reason: 'A pull request runs code that nobody has reviewed yet.',
  *plan(plan) {
    const identities = plan.resources.filter(({ type }) => isComponent(type, 'GithubDeployIdentity'))
    for (const identity of identities) {
      const previews = below(plan, identity).filter(
        (each) => isAccount(each) && /preview/.test(textAt(each.inputs, 'accountId') ?? each.name),
      )
      if (previews.length !== 1) {
        yield {
          resource: identity,
          property: 'preview',
          wrong: `has ${previews.length} service accounts with "preview" in accountId`,
          fix: 'give pull requests one account of their own, named so',
        }
      }
      for (const grant of grantsOf(plan)) {
        const { resource, members, role } = grant
        if (!members.some((each) => previews.some((account) => namesAccount(resource, each, account)))) continue
        const custom = customRoleOf(plan, grant)
        for (const { path, value } of custom ? permissionsOf(custom) : []) {
          if (typeof value !== 'string' || isReadPermission(value)) continue
          yield {
            resource: custom ?? resource,
            property: path,
            wrong: `is "${value}", which does not only read, and the preview identity has the role`,
            fix: 'remove it, or make another role',
          }
        }
        if (custom || (typeof role === 'string' && isReadRole(role))) continue
        yield {
          resource,
          property: 'role',
          wrong: `${is(role)}, which is not known to only read`,
          fix: 'give the preview identity a viewer role, or a custom role of get and list',
        }
      }
    }
  },
}
