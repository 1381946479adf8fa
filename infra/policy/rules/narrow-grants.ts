import type { Plan } from '../../plan/planned-resource.ts'
import { customRoleOf, expressionOf, type Grant, grantsOf, permissionsOf } from '../grants.ts'
import type { PlanFault, PlanPolicy } from '../policy.ts'
import { insteadOfProject, whyWholeProject } from '../project-roles.ts'
import { isReadRole } from '../read-roles.ts'
import { isInside } from '../tree.ts'
import { is } from '../values.ts'

export const narrowGrants: PlanPolicy = {
  name: 'narrow-grants',
  description: 'A role is granted on the thing it is for; on the project only where no narrower place exists.',
  reason: 'A grant on the project holds for everything in it, also for what is made tomorrow.',
  *plan(plan) {
    for (const grant of grantsOf(plan)) {
      if (grant.on === 'resource') continue
      const { resource, on, kind } = grant
      if (on !== 'project') {
        yield {
          resource,
          property: 'type',
          wrong: `grants on the whole ${on}`,
          fix: 'grant on a resource of the stack, or leave it to those who own the organization',
        }
      } else if (kind !== 'member') {
        yield {
          resource,
          property: 'type',
          wrong: `owns all ${kind === 'binding' ? 'members of a role' : 'grants of the project'}: it removes those of others, Google's own among them`,
          fix: 'use projects.IAMMember',
        }
      } else yield* projectFaults(plan, grant)
    }
  },
}

function* projectFaults(plan: Plan, grant: Grant): Generator<PlanFault> {
  const { resource, role } = grant
  // A condition that is known only later is one that names what is known only later.
  const condition = expressionOf(grant)
  if (condition !== undefined && condition !== '' && condition !== 'true') return
  const custom = customRoleOf(plan, grant)
  if (custom) {
    for (const { path, value } of permissionsOf(custom)) {
      const instead = typeof value === 'string' ? insteadOfProject(value) : undefined
      if (instead === undefined) continue
      yield {
        resource: custom,
        property: path,
        wrong: `is "${value}", and ${resource.name} grants the role on the whole project`,
        fix: instead,
      }
    }
    return
  }
  const forGithub = isInside(resource, 'GithubDeployIdentity')
  if (typeof role === 'string' && (whyWholeProject(role, forGithub) || (forGithub && isReadRole(role)))) return
  yield {
    resource,
    property: 'role',
    wrong: `${is(role)} on the whole project`,
    fix: 'grant it on the resource it is for, add a condition, or add it with its reason to infra/policy/project-roles.ts',
  }
}
