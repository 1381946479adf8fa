import { isRecord, type Plan } from '../../plan/planned-resource.ts'
import { grantsOf } from '../grants.ts'
import type { PlanPolicy } from '../policy.ts'
import { at } from '../values.ts'

const PRINCIPAL = /^principal(Set)?:\/\/iam\.googleapis\.com\/.+?\/workloadIdentityPools\/([^/]+)\/(.+)$/
/** What makes somebody of a pool a service account; what that may do is then seen in one place. */
const BECOMES = 'roles/iam.workloadIdentityUser'
/** Claims of GitHub that tell apart what runs in one repository. */
const NARROW = /\bassertion\.(?:ref|environment|sub|event_name|base_ref|job_workflow_ref|workflow_ref)\b/

export const federationBinding: PlanPolicy = {
  name: 'federation-binding',
  description:
    'Workflows of one branch, tag, environment or pull request become a service account; a pool as a whole becomes none.',
  reason: 'Whoever can push any branch to the repository could otherwise do what only the main branch may.',
  *plan(plan) {
    const mapping = mappingOf(plan)
    for (const { resource, role, members } of grantsOf(plan)) {
      for (const { path, value } of members) {
        // A pool's name is known only later; the plan still has the text around it.
        const [, set, pool = '', who = ''] = PRINCIPAL.exec(String(value)) ?? []
        if (who === '') continue
        const wrong = pool.endsWith('.svc.id.goog') ? clusterFault(who) : githubFault(set !== undefined, who, mapping)
        if (wrong !== undefined) {
          yield {
            resource,
            property: path,
            wrong: `is "${value}", ${wrong}`,
            fix: 'bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment',
          }
        }
        if (typeof role === 'string' && role !== BECOMES) {
          yield {
            resource,
            property: 'role',
            wrong: `gives "${role}" to what signs in from outside`,
            fix: `grant ${BECOMES} on a service account, and give the role to that`,
          }
        }
      }
    }
  },
}

function githubFault(isSet: boolean, who: string, mapping: ReadonlyMap<string, string>): string | undefined {
  if (!isSet) {
    return /:(?:ref|environment|pull_request)\b/.test(who) ? undefined : 'a subject with no ref or environment'
  }
  if (who === '*') return 'everybody in the pool'
  const [, name = '', value = ''] = /^(attribute\.\w+)\/(.+)$/.exec(who) ?? []
  const expression = mapping.get(name)
  if (value === '') return 'no attribute'
  if (expression === undefined) return `but no provider maps ${name}`
  return NARROW.test(expression) ? undefined : `and ${name} is the same for all branches and pull requests`
}

function clusterFault(who: string): string | undefined {
  return /^(?:subject\/)?ns\/[^/]+\/sa\/[^/]+$/.test(who) ? undefined : 'more than one service account of the cluster'
}

/** What the attributes of all providers are made of. */
function mappingOf(plan: Plan): Map<string, string> {
  const entries = plan.resources.flatMap(({ type, inputs }) => {
    const mapping = at(inputs, 'attributeMapping')
    if (type !== 'gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider' || !isRecord(mapping)) return []
    return Object.entries(mapping)
  })
  return new Map(entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])))
}
