import type { PlanPolicy } from '../policy.ts'
import { dependenciesOf } from '../tree.ts'
import { textAt } from '../values.ts'

/** The API that each part of the provider calls, without `.googleapis.com`. */
const APIS: Readonly<Record<string, string>> = {
  artifactregistry: 'artifactregistry',
  bigquery: 'bigquery',
  billing: 'billingbudgets',
  cloudrunv2: 'run',
  cloudscheduler: 'cloudscheduler',
  cloudtasks: 'cloudtasks',
  compute: 'compute',
  container: 'container',
  iam: 'iam',
  iap: 'iap',
  kms: 'cloudkms',
  logging: 'logging',
  monitoring: 'monitoring',
  pubsub: 'pubsub',
  secretmanager: 'secretmanager',
  serviceaccount: 'iam',
  servicenetworking: 'servicenetworking',
  sql: 'sqladmin',
  storage: 'storage',
  vertex: 'aiplatform',
}

export const servicesFirst: PlanPolicy = {
  name: 'services-first',
  description: 'Whatever belongs to an API is made after the API is switched on.',
  reason: 'In a new project the two would be made side by side, and the first up would fail with 403.',
  *plan(plan) {
    const before = dependenciesOf(plan)
    const services = new Map(
      plan.resources
        .filter(({ type }) => type === 'gcp:projects/service:Service')
        .map((each) => [textAt(each.inputs, 'service') ?? '', each.urn]),
    )
    for (const resource of plan.resources) {
      const api = apiOf(resource.type)
      if (api === undefined) continue
      const service = services.get(api)
      if (service !== undefined && before(resource).has(service)) continue
      yield {
        resource,
        property: 'dependsOn',
        wrong: service === undefined ? `needs ${api}, which nothing switches on` : `does not wait for ${api}`,
        fix: service === undefined ? 'add it to ProjectServices, and depend on it' : 'add services.of(…) to dependsOn',
      }
    }
  },
}

function apiOf(type: string): string | undefined {
  const [, module = ''] = /^gcp:(\w+)\//.exec(type) ?? []
  // Roles of the project are the API's that knows service accounts; grants on it are bootstrapped.
  const api = type === 'gcp:projects/iAMCustomRole:IAMCustomRole' ? 'iam' : APIS[module]
  return api === undefined ? undefined : `${api}.googleapis.com`
}
