import { DEPLOYERS, emailOf } from './deployers.ts'
import type { Call, Google } from './google.ts'
import { type BootstrapPlace, keyNames } from './place.ts'
import { isApiOff, isStatus } from './refusal.ts'
import type { Look, Step } from './step.ts'

interface Binding {
  readonly role: string
  readonly members?: readonly string[]
  readonly condition?: object
}

/** https://cloud.google.com/iam/docs/reference/rest/v1/Policy */
interface Policy {
  readonly bindings?: readonly Binding[]
  readonly etag?: string
}

/** Something that has a policy: how it is read, and how it is written. */
interface Guarded {
  readonly name: string
  readonly read: Omit<Call, 'what'>
  write(policy: Policy): Omit<Call, 'what'>
}

interface Grant {
  readonly on: Guarded
  readonly role: string
  readonly member: string
  /** What is done, and what is so afterwards. */
  readonly what: string
  readonly has: string
}

/** Conditions in a policy are shown, and kept, only to who asks for this version. */
const POLICY_VERSION = 3
/** Somebody else changed the policy between our reading and writing it; as often as this it is read again. */
const ATTEMPTS = 5
/** An account that was just made may not be known to all of Google yet. */
const ACCOUNT_KNOWN_WITHIN_MS = 60_000
const POLL_MS = 2000

/** Who may do what with the bucket and the key. Grants of others stay as they are. */
export async function lookAtGrants(google: Google, place: BootstrapPlace): Promise<Look> {
  const grants = grantsOf(place)
  const policies = new Map<Guarded, Policy>()
  for (const on of new Set(grants.map((grant) => grant.on))) policies.set(on, await policyBefore(google, on))
  const missing = grants.filter((grant) => !isGranted(policies.get(grant.on) ?? {}, grant))
  return {
    there: grants.filter((grant) => !missing.includes(grant)).map(({ has }) => has),
    steps: missing.map((grant): Step => ({ what: grant.what, run: () => give(google, grant) })),
  }
}

function grantsOf(place: BootstrapPlace): Grant[] {
  const bucket = guardedBucket(place)
  const key = guardedKey(place)
  return DEPLOYERS.flatMap((deployer) => {
    const email = emailOf(deployer, place)
    const grant = (on: Guarded, role: string): Grant => ({
      on,
      role,
      member: `serviceAccount:${email}`,
      what: `give ${email} ${role} on ${on.name}`,
      has: `${email} has ${role} on ${on.name}`,
    })
    return [grant(bucket, deployer.bucketRole), grant(key, deployer.keyRole)]
  })
}

function guardedBucket({ bucket }: BootstrapPlace): Guarded {
  const at = { api: 'storage', path: `/storage/v1/b/${bucket}/iam` } as const
  return {
    name: `the bucket gs://${bucket}`,
    read: {
      ...at,
      query: { optionsRequestedPolicyVersion: String(POLICY_VERSION) },
      permission: 'storage.buckets.getIamPolicy',
    },
    write: (policy) => ({ ...at, method: 'PUT', body: policy, permission: 'storage.buckets.setIamPolicy' }),
  }
}

function guardedKey(place: BootstrapPlace): Guarded {
  const { key } = keyNames(place)
  return {
    name: `the key ${key}`,
    read: {
      api: 'cloudkms',
      path: `/v1/${key}:getIamPolicy`,
      query: { 'options.requestedPolicyVersion': String(POLICY_VERSION) },
      permission: 'cloudkms.cryptoKeys.getIamPolicy',
    },
    write: (policy) => ({
      api: 'cloudkms',
      method: 'POST',
      path: `/v1/${key}:setIamPolicy`,
      body: { policy },
      permission: 'cloudkms.cryptoKeys.setIamPolicy',
    }),
  }
}

/** The policy of something that may not be there yet. */
async function policyBefore(google: Google, { name, read }: Guarded): Promise<Policy> {
  try {
    return await google.ask<Policy>({ ...read, what: `see who may use ${name}` })
  } catch (error) {
    if (isStatus(error, 404) || isApiOff(error)) return {}
    throw error
  }
}

async function give(google: Google, grant: Grant): Promise<void> {
  const { on, what } = grant
  let waited = 0
  for (let attempt = 1; ; attempt++) {
    const policy = await google.askPatiently<Policy>({ ...on.read, what })
    if (isGranted(policy, grant)) return
    try {
      await google.askPatiently({ ...on.write(withGrant(policy, grant)), what })
      return
    } catch (error) {
      if (isUnknownAccount(error) && waited < ACCOUNT_KNOWN_WITHIN_MS) {
        await google.pause(POLL_MS)
        waited += POLL_MS
      } else if (!isStatus(error, 409, 412) || attempt >= ATTEMPTS) throw error
    }
  }
}

function isGranted({ bindings = [] }: Policy, { role, member }: Grant): boolean {
  return bindings.some((each) => each.role === role && !each.condition && each.members?.includes(member))
}

function withGrant(policy: Policy, { role, member }: Grant): Policy & { readonly version: number } {
  const bindings = policy.bindings ?? []
  const same = bindings.find((each) => each.role === role && !each.condition)
  const changed = { role, members: [...(same?.members ?? []), member] }
  return { ...policy, version: POLICY_VERSION, bindings: [...bindings.filter((each) => each !== same), changed] }
}

function isUnknownAccount(error: unknown): boolean {
  return isStatus(error, 400) && error instanceof Error && /does not exist/i.test(error.message)
}
