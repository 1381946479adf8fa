import { cloudGrants } from './access.ts'
import { isNamedByPulumi } from './known-outputs.ts'
import { type Planned, type PlannedResource, SecretValue, Unknown } from './planned-resource.ts'
import { at } from './walk.ts'

/** Where the name that a thing has in the cloud stands, the most telling first. */
const NAMES = [
  'name',
  'accountId',
  'secretId',
  'repositoryId',
  'workloadIdentityPoolProviderId',
  'workloadIdentityPoolId',
  'roleId',
  'datasetId',
  'service',
  'displayName',
]

/** What else tells one from another, in this order, and the word before it where it does not speak for itself. */
const FACTS: readonly (readonly [path: string, word?: string])[] = [
  ['bucket', 'bucket'],
  ['secret', 'of secret'],
  ['instance', 'in'],
  ['databaseVersion'],
  ['settings.tier'],
  ['settings.availabilityType'],
  ['machineType'],
  ['nodeConfig.machineType'],
  ['ipCidrRange'],
  ['format'],
  ['schedule'],
  ['timeZone'],
  ['length', 'length'],
  ['tag', 'tag'],
  ['location'],
  ['region'],
]

/** The few things about a resource that a reader wants to see: its name in the cloud, what it is on, size, place. */
export function factsOf(each: PlannedResource): string[] {
  const { type, custom, inputs, existing } = each
  if (!custom || type.startsWith('pulumi:')) return []
  const grants = cloudGrants(each)
  if (grants.length > 0) return grants.map(({ identity, role, on }) => `${role} on ${on} for ${identity}`)
  return [
    ...(existing ? ['exists already'] : []),
    ...nameIn(type, inputs),
    ...FACTS.flatMap(([path, word]) => {
      const text = shown(at(inputs, path))
      return text === undefined ? [] : [word === undefined ? text : `${word} ${text}`]
    }),
  ]
}

function nameIn(type: string, inputs: PlannedResource['inputs']): string[] {
  const name = shown(at(inputs, 'metadata.name'))
  if (name !== undefined) {
    const namespace = shown(at(inputs, 'metadata.namespace'))
    return [namespace === undefined ? name : `${namespace}/${name}`]
  }
  if (isNamedByPulumi(type, inputs)) return ['named by Pulumi']
  return NAMES.flatMap((field) => shown(inputs[field]) ?? []).slice(0, 1)
}

/**
 * A value in a line: of an id only what follows its last "/". Unknown and secret values say what they are; lists and
 * objects are too much.
 */
function shown(value: Planned | undefined): string | undefined {
  if (typeof value === 'string') return /^projects\//.test(value) ? value.slice(value.lastIndexOf('/') + 1) : value
  if (typeof value === 'number' || value instanceof Unknown || value instanceof SecretValue) return String(value)
  return undefined
}
