import { isRecord, type Plan, type PlannedResource } from '../../plan/planned-resource.ts'
import { grantsOf } from '../grants.ts'
import type { PlanFault, PlanPolicy } from '../policy.ts'
import { below, isComponent } from '../tree.ts'
import { at, textAt } from '../values.ts'

const ANNOTATION = 'iam.gke.io/gcp-service-account'
const ROLE = 'roles/iam.workloadIdentityUser'
/** `serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]` */
const MEMBER = /\.svc\.id\.goog\[([^\]]+)\]$/

export const kubernetesAccounts: PlanPolicy = {
  name: 'kubernetes-accounts',
  description:
    'Where there is a cluster each flow has an account in it, and what an account says that it is at Google it may be.',
  reason: 'A pod whose account is not there is never made; one that may not be who it says gets no token, and fails.',
  *plan(plan) {
    const accounts = plan.resources.filter(isKubernetesAccount)
    yield* flowsWithout(plan)
    yield* accountsWithout(plan, accounts)
    yield* grantsWithout(plan, accounts)
  },
}

function isKubernetesAccount({ type }: PlannedResource): boolean {
  return type === 'kubernetes:core/v1:ServiceAccount'
}

/** The launcher of the cluster starts the pods of a flow as `flow-NAME`, which the component is called too. */
function* flowsWithout(plan: Plan): Generator<PlanFault> {
  if (!plan.resources.some(({ type }) => type === 'gcp:container/cluster:Cluster')) return
  for (const flow of plan.resources.filter(({ type }) => isComponent(type, 'FlowDeployment'))) {
    const has = below(plan, flow).some(
      (each) => isKubernetesAccount(each) && textAt(each.inputs, 'metadata.name') === flow.name,
    )
    if (has) continue
    yield {
      resource: flow,
      property: 'account in the cluster',
      wrong: 'is missing',
      fix: `make a kubernetes ServiceAccount ${flow.name} inside the component`,
    }
  }
}

function* accountsWithout(plan: Plan, accounts: readonly PlannedResource[]): Generator<PlanFault> {
  const granted = new Set(bindings(plan).map(({ pod, google }) => `${pod} ${google}`))
  for (const resource of accounts) {
    const [pod, google] = [podOf(resource), googleOf(resource)]
    if (pod === undefined || google === undefined || granted.has(`${pod} ${google}`)) continue
    yield {
      resource,
      property: `metadata.annotations["${ANNOTATION}"]`,
      wrong: `is ${google}, which it may not be`,
      fix: `grant ${ROLE} on that account to …svc.id.goog[${pod}]`,
    }
  }
}

function* grantsWithout(plan: Plan, accounts: readonly PlannedResource[]): Generator<PlanFault> {
  for (const { resource, path, pod, google } of bindings(plan)) {
    if (accounts.some((each) => podOf(each) === pod && googleOf(each) === google)) continue
    // What is known only later may be the one.
    if (accounts.some((each) => podOf(each) === undefined || isHiddenGoogle(each))) continue
    yield {
      resource,
      property: path,
      wrong: `lets ${pod} in the cluster be ${google}, and no account of that name says that it is`,
      fix: `make a kubernetes ServiceAccount with the annotation ${ANNOTATION}, or remove the grant`,
    }
  }
}

/** Which account of the cluster may be which one of Google, where both are known. */
function bindings(plan: Plan) {
  return grantsOf(plan).flatMap(({ resource, role, members }) => {
    const google = textAt(resource.inputs, 'serviceAccountId')?.replace(/^.*\//, '')
    if (role !== ROLE || google === undefined) return []
    return members.flatMap(({ path, value }) => {
      const [, pod] = typeof value === 'string' ? (MEMBER.exec(value) ?? []) : []
      return pod === undefined ? [] : [{ resource, path, pod, google }]
    })
  })
}

/** `NAMESPACE/NAME`. */
function podOf({ inputs }: PlannedResource): string | undefined {
  const [namespace, name] = [textAt(inputs, 'metadata.namespace'), textAt(inputs, 'metadata.name')]
  return namespace === undefined || name === undefined ? undefined : `${namespace}/${name}`
}

function googleOf({ inputs }: PlannedResource): string | undefined {
  const annotations = at(inputs, 'metadata.annotations')
  const found = isRecord(annotations) ? annotations[ANNOTATION] : undefined
  return typeof found === 'string' ? found : undefined
}

function isHiddenGoogle(resource: PlannedResource): boolean {
  const annotations = at(resource.inputs, 'metadata.annotations')
  return isRecord(annotations) && Object.hasOwn(annotations, ANNOTATION) && googleOf(resource) === undefined
}
