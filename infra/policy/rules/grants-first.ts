import type { Plan, PlannedResource } from '../../plan/planned-resource.ts'
import { leaves } from '../../plan/walk.ts'
import { type Grant, grantsOf, isAccount, namesAccount } from '../grants.ts'
import type { PlanPolicy } from '../policy.ts'
import { dependenciesOf } from '../tree.ts'
import { textAt } from '../values.ts'

const RUNS =
  /^(?:gcp:cloudrunv2\/(?:service|job|workerPool):|kubernetes:(?:apps|batch)\/v1:(?:Deployment|StatefulSet|DaemonSet|Job|CronJob)$)/
/** Whether a grant is for what a process does when it starts: not who else may start it, nor whom it may start. */
const isForStart = ({ resource }: Grant): boolean => !/^gcp:(?:serviceaccount|cloudrunv2|iap)\//.test(resource.type)

export const grantsFirst: PlanPolicy = {
  name: 'grants-first',
  description: 'What runs is made after everything that its account is granted.',
  reason:
    'Nothing ties the two: made too early it fails, and stays failed, since the next up sees no difference to mend.',
  *plan(plan) {
    const grants = grantsOf(plan)
    const before = dependenciesOf(plan)
    for (const resource of plan.resources.filter(({ type }) => RUNS.test(type))) {
      const who = whoRuns(plan, resource)
      const known = before(resource)
      for (const grant of grants) {
        if (known.has(grant.resource.urn) || before(grant.resource).has(resource.urn)) continue
        if (!grant.members.some((member) => who.some((is) => is(grant, member)))) continue
        yield {
          resource,
          property: 'dependsOn',
          wrong: `leaves out ${grant.resource.name}, a grant to the account it runs as`,
          fix: 'add that grant',
        }
      }
    }
  },
}

type IsMember = (grant: Grant, member: Grant['members'][number]) => boolean

/** Tells the members that a process is: its account, and in a cluster also the Kubernetes account that stands for it. */
function whoRuns(plan: Plan, resource: PlannedResource): IsMember[] {
  const inCluster = leaves(resource.inputs).find(({ key }) => key === 'serviceAccountName')?.value
  const standIn = plan.resources.find(
    ({ type, inputs }) => type === 'kubernetes:core/v1:ServiceAccount' && textAt(inputs, 'metadata.name') === inCluster,
  )
  const says = standIn ?? resource
  const runsAs = leaves(says.inputs).filter(({ key }) =>
    /^(?:serviceAccount|iam\.gke\.io\/gcp-service-account)$/.test(key),
  )
  const account = plan.resources.find(
    (each) => isAccount(each) && runsAs.some((value) => namesAccount(says, value, each)),
  )
  return [
    ...(account
      ? [((grant, member) => isForStart(grant) && namesAccount(grant.resource, member, account)) satisfies IsMember]
      : []),
    ...(standIn ? [((_, { value }) => String(value).endsWith(`/${inCluster}]`)) satisfies IsMember] : []),
  ]
}
