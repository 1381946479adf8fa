import type { Plan, Planned, PlannedResource } from '../../../infra/plan/planned-resource.ts'
import { makeUrn, STACK_TYPE } from '../../../infra/plan/urn.ts'

type Options = Partial<Omit<PlannedResource, 'parent'>> & { readonly parent?: PlannedResource }

/** A resource of the stack `dev`, as a plan has it. */
export function resource(
  type: string,
  name: string,
  inputs: Readonly<Record<string, Planned>> = {},
  { parent, ...options }: Options = {},
): PlannedResource {
  return {
    urn: makeUrn('dev', 'millrace', parent?.urn, type, name),
    type,
    name,
    custom: !type.startsWith('millrace:'),
    existing: false,
    parent: parent?.urn,
    provider: undefined,
    dependencies: [],
    propertyDependencies: {},
    inputs,
    known: {},
    outputs: {},
    protect: false,
    ignoreChanges: [],
    retainOnDelete: false,
    deleteBeforeReplace: false,
    source: undefined,
    ...options,
  }
}

/** One of our components. */
export function component(name: string, what: string, outputs: PlannedResource['outputs'] = {}): PlannedResource {
  return resource(`millrace:infra:${name}`, what, {}, { outputs })
}

export const STACK = resource(STACK_TYPE, 'millrace-dev', {}, { custom: false })

/** What a stack would look like with just these resources. */
export function planOf(resources: readonly PlannedResource[], outputs: Plan['outputs'] = { isProtected: true }): Plan {
  return { stack: 'dev', project: 'millrace', resources: [STACK, ...resources], outputs, warnings: [] }
}

/** A service account of the project `p`. */
export function account(accountId: string, parent?: PlannedResource): PlannedResource {
  return resource('gcp:serviceaccount/account:Account', accountId, { accountId }, parent && { parent })
}

export const memberOf = (accountId: string): string => `serviceAccount:${accountId}@p.iam.gserviceaccount.com`
export const emailOf = (accountId: string): string => `${accountId}@p.iam.gserviceaccount.com`

/** A digest, and an image by it. */
export const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`
export const IMAGE = `europe-west1-docker.pkg.dev/p/millrace/worker@${DIGEST}`
