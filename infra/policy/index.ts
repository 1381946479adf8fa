import type { Plan } from '../plan/planned-resource.ts'
import { STACK_TYPE } from '../plan/urn.ts'
import { type PlanFault, type Policy, sentence, type Violation } from './policy.ts'
import { alertConditions } from './rules/alert-conditions.ts'
import { closedFirewall } from './rules/closed-firewall.ts'
import { cloudRunEnvironment } from './rules/cloud-run-environment.ts'
import { cloudRunResources } from './rules/cloud-run-resources.ts'
import { cloudRunTraffic } from './rules/cloud-run-traffic.ts'
import { clusterSettings } from './rules/cluster-settings.ts'
import { consoleBehindIap } from './rules/console-behind-iap.ts'
import { dataProtected } from './rules/data-protected.ts'
import { databaseRecovers } from './rules/database-recovers.ts'
import { databaseSettings } from './rules/database-settings.ts'
import { databaseUsers } from './rules/database-users.ts'
import { deletionDecided } from './rules/deletion-decided.ts'
import { dockerBounds } from './rules/docker-bounds.ts'
import { dockerImages } from './rules/docker-images.ts'
import { dockerPorts } from './rules/docker-ports.ts'
import { dockerRights } from './rules/docker-rights.ts'
import { dockerSocket } from './rules/docker-socket.ts'
import { federationBinding } from './rules/federation-binding.ts'
import { federationCondition } from './rules/federation-condition.ts'
import { flowAccounts } from './rules/flow-accounts.ts'
import { googleDurations } from './rules/google-durations.ts'
import { googleNames } from './rules/google-names.ts'
import { grantsFirst } from './rules/grants-first.ts'
import { imagesByDigest } from './rules/images-by-digest.ts'
import { kubernetesAccounts } from './rules/kubernetes-accounts.ts'
import { kubernetesNames } from './rules/kubernetes-names.ts'
import { labelled } from './rules/labelled.ts'
import { logMetrics } from './rules/log-metrics.ts'
import { narrowGrants } from './rules/narrow-grants.ts'
import { noBasicRoles } from './rules/no-basic-roles.ts'
import { noKeys } from './rules/no-keys.ts'
import { noPublicMembers } from './rules/no-public-members.ts'
import { noSecretLiterals } from './rules/no-secret-literals.ts'
import { nodePools } from './rules/node-pools.ts'
import { peeringFirst } from './rules/peering-first.ts'
import { previewReadsOnly } from './rules/preview-reads-only.ts'
import { privateBuckets } from './rules/private-buckets.ts'
import { privateCluster } from './rules/private-cluster.ts'
import { privateDatabase } from './rules/private-database.ts'
import { privateKubernetes } from './rules/private-kubernetes.ts'
import { privateMachines } from './rules/private-machines.ts'
import { quantities } from './rules/quantities.ts'
import { roleNames } from './rules/role-names.ts'
import { schedules } from './rules/schedules.ts'
import { secretVersions } from './rules/secret-versions.ts'
import { secretsMarked } from './rules/secrets-marked.ts'
import { secretsNotShown } from './rules/secrets-not-shown.ts'
import { servicesFirst } from './rules/services-first.ts'
import { validLabels } from './rules/valid-labels.ts'

export type { Policy, Violation } from './policy.ts'

/** The rules that every stack keeps. */
export const policies: readonly Policy[] = [
  // Who may do what.
  noKeys,
  noBasicRoles,
  narrowGrants,
  roleNames,
  federationCondition,
  federationBinding,
  previewReadsOnly,
  flowAccounts,
  kubernetesAccounts,
  // What can be reached.
  noPublicMembers,
  privateBuckets,
  privateDatabase,
  privateCluster,
  privateMachines,
  privateKubernetes,
  closedFirewall,
  consoleBehindIap,
  // Secrets.
  secretsMarked,
  secretsNotShown,
  noSecretLiterals,
  secretVersions,
  // Data.
  dataProtected,
  databaseRecovers,
  deletionDecided,
  // What runs, and whose it is.
  imagesByDigest,
  labelled,
  validLabels,
  // What containers of an engine may do to its machine.
  dockerRights,
  dockerSocket,
  dockerPorts,
  dockerImages,
  dockerBounds,
  // What comes first.
  servicesFirst,
  grantsFirst,
  peeringFirst,
  // What Google and Kubernetes refuse.
  googleNames,
  googleDurations,
  databaseSettings,
  databaseUsers,
  cloudRunEnvironment,
  cloudRunResources,
  cloudRunTraffic,
  schedules,
  logMetrics,
  alertConditions,
  clusterSettings,
  nodePools,
  kubernetesNames,
  quantities,
]

/** Where a plan breaks the rules, in their order. */
export function violations(plan: Plan): readonly Violation[] {
  const stack = plan.resources.find(({ type }) => type === STACK_TYPE)
  return policies.flatMap((policy) => {
    const faults: Iterable<PlanFault> =
      'plan' in policy
        ? policy.plan(plan)
        : plan.resources.flatMap((resource) => [...policy.resource(resource)].map((fault) => ({ resource, ...fault })))
    return [...faults].flatMap(({ resource = stack, ...fault }) =>
      // What is only looked up is somebody else's.
      resource && !resource.existing
        ? [{ policy: policy.name, urn: resource.urn, message: sentence(resource, fault) }]
        : [],
    )
  })
}
