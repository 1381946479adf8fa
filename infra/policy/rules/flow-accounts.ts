import type { Plan, PlannedResource } from '../../plan/planned-resource.ts'
import { leaves } from '../../plan/walk.ts'
import { expressionOf, type Grant, grantsOf, isAccount, namesAccount } from '../grants.ts'
import type { PlanFault, PlanPolicy } from '../policy.ts'
import { below, isComponent } from '../tree.ts'
import { at, is, isHidden, isList, textAt } from '../values.ts'

/** Where a resource says who it runs as. */
const RUNS_AS = /^(?:serviceAccount(?:Name|Email)?|iam\.gke\.io\/gcp-service-account)$/

/** What a name or a list must begin with, without the bucket. */
const STARTS_WITH = /startsWith\(["'](?:projects\/_\/buckets\/[^/]*\/objects\/)?([^"']*)["']\)/

export const flowAccounts: PlanPolicy = {
  name: 'flow-accounts',
  description:
    'Every flow has a service account of its own, which reads its own secrets and writes below its own prefix.',
  reason: 'What one flow is tricked into, it can do to its own data only.',
  *plan(plan) {
    for (const flow of plan.resources.filter(({ type }) => isComponent(type, 'FlowDeployment'))) {
      const inside = below(plan, flow)
      const accounts = inside.filter(isAccount)
      if (accounts.length !== 1) {
        yield {
          resource: flow,
          property: 'account',
          wrong: `is not one but ${accounts.length} service accounts`,
          fix: 'make one serviceaccount.Account inside the component',
        }
      }
      const own = new Set([flow.urn, ...inside.map(({ urn }) => urn)])
      for (const account of accounts) {
        yield* borrowed(plan, own, account)
        for (const grant of grantsOf(plan)) {
          if (!grant.members.some((member) => namesAccount(grant.resource, member, account))) continue
          yield* secretFaults(flow, grant)
          yield* bucketFaults(flow, grant)
        }
      }
    }
  },
}

/** Who else runs as the account. */
function* borrowed(plan: Plan, own: ReadonlySet<string>, account: PlannedResource): Generator<PlanFault> {
  for (const resource of plan.resources) {
    if (own.has(resource.urn) || !resource.custom) continue
    for (const { path, key, value } of leaves(resource.inputs)) {
      if (!RUNS_AS.test(key) || !namesAccount(resource, { path, value }, account)) continue
      yield { resource, property: path, wrong: `is the account of a flow, ${account.name}`, fix: 'give it its own' }
    }
  }
}

function* secretFaults(flow: PlannedResource, { resource, role }: Grant): Generator<PlanFault> {
  if (!/^gcp:secretmanager\//.test(resource.type)) {
    if (role !== 'roles/secretmanager.secretAccessor' && role !== 'roles/secretmanager.admin') return
    yield { resource, property: 'role', wrong: 'opens more than one secret to a flow', fix: 'grant it on each secret' }
    return
  }
  const secrets = flow.outputs.secrets
  if (!isList(secrets)) {
    yield {
      resource: flow,
      property: 'output secrets',
      wrong: is(secrets),
      fix: 'register the names of the secrets that the flow declares',
    }
    return
  }
  const secret = at(resource.inputs, 'secretId')
  // It may be given with the project: `projects/P/secrets/NAME`.
  if (isHidden(secret) || secrets.includes(String(secret).replace(/^.*\//, ''))) return
  yield {
    resource,
    property: 'secretId',
    wrong: `${is(secret)}, which the flow ${nameOf(flow)} does not declare`,
    fix: `add it to secrets in flows/${nameOf(flow)}/flow.ts, or remove the grant`,
  }
}

function* bucketFaults(flow: PlannedResource, grant: Grant): Generator<PlanFault> {
  const { resource } = grant
  if (!/^gcp:storage\/bucketI/.test(resource.type)) return
  const expression = String(expressionOf(grant))
  // A bucket's name may be known only later; the plan has the text around it, and where it has none, nothing is told.
  if (isHidden(expressionOf(grant)) && !expression.includes('startsWith')) return
  const name = nameOf(flow)
  // Each way to pass must hold to the flow's prefix: what is read, and what is listed.
  const foreign = expression
    .split('||')
    .map((part) => STARTS_WITH.exec(part)?.[1] ?? '')
    .find((prefix) => !`/${prefix}`.includes(`/${name}/`))
  if (foreign === undefined) return
  yield {
    resource,
    property: 'condition',
    wrong: `holds the flow ${name} to ${foreign === '' ? 'no prefix' : `"${foreign}"`}`,
    fix: `let resource.name start with projects/_/buckets/${textAt(resource.inputs, 'bucket') ?? 'BUCKET'}/objects/…${name}/`,
  }
}

/** The component is called `flow-NAME`. */
const nameOf = (flow: PlannedResource): string => flow.name.replace(/^flow-/, '')
