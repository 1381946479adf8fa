import { type Plan, type PlannedResource, Unknown } from '../plan/planned-resource.ts'
import { at, type Found, type Item, itemsAt, textAt } from './values.ts'

/** What an IAM resource of the provider grants. */
export interface Grant {
  readonly resource: PlannedResource
  /** Adds one member; owns all members of a role; owns all roles. */
  readonly kind: 'member' | 'binding' | 'policy'
  /** On what: `resource` is anything narrower than a project. */
  readonly on: 'project' | 'folder' | 'organization' | 'resource'
  readonly role: Found
  readonly members: readonly Item[]
  readonly condition: Found
}

const IAM_TYPE = /^gcp:(\w+)\/\w*[iI](?:am|AM)(Member|Binding|Policy):/
const KINDS = { Member: 'member', Binding: 'binding', Policy: 'policy' } as const
const LEVELS: Readonly<Record<string, Grant['on']>> = {
  projects: 'project',
  folder: 'folder',
  organizations: 'organization',
}

/** Undefined when the resource grants nothing. */
export function grantOf(resource: PlannedResource): Grant | undefined {
  const [, module = '', kind] = IAM_TYPE.exec(resource.type) ?? []
  if (kind === undefined) return undefined
  const { member, role, condition } = resource.inputs
  return {
    resource,
    kind: KINDS[kind as keyof typeof KINDS],
    on: LEVELS[module] ?? 'resource',
    role,
    members: [
      ...(member === undefined ? [] : [{ path: 'member', value: member }]),
      ...itemsAt(resource.inputs, 'members'),
    ],
    condition,
  }
}

export const grantsOf = (plan: Plan): Grant[] => plan.resources.flatMap((each) => grantOf(each) ?? [])

export const isAccount = ({ type }: PlannedResource): boolean => type === 'gcp:serviceaccount/account:Account'

/** Whether a value of a resource, an e-mail or a member, is this service account. */
export function namesAccount(resource: PlannedResource, { path, value }: Item, account: PlannedResource): boolean {
  if (typeof value === 'string') {
    const accountId = textAt(account.inputs, 'accountId') ?? account.name
    return value.replace(/^serviceAccount:/, '').startsWith(`${accountId}@`)
  }
  const property = path.replace(/[.[].*$/, '')
  return value instanceof Unknown && (resource.propertyDependencies[property] ?? []).includes(account.urn)
}

/** The custom role of the plan that a grant gives. */
export function customRoleOf(plan: Plan, { resource, role }: Grant): PlannedResource | undefined {
  return plan.resources.find((each) => {
    if (each.type !== 'gcp:projects/iAMCustomRole:IAMCustomRole') return false
    if (typeof role === 'string') return role.endsWith(`/roles/${textAt(each.inputs, 'roleId') ?? each.name}`)
    return (resource.propertyDependencies.role ?? []).includes(each.urn)
  })
}

/** What a custom role allows, as far as that is known. */
export const permissionsOf = (role: PlannedResource): Item[] => itemsAt(role.inputs, 'permissions')

/** The condition's expression. */
export const expressionOf = ({ condition }: Grant): Found => at(condition, 'expression')
