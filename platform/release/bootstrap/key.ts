import { UserError } from '@millrace/sdk'
import type { Call, Google } from './google.ts'
import { type BootstrapPlace, keyNames, labelsOf } from './place.ts'
import { isApiOff, isStatus } from './refusal.ts'
import type { Look, Step } from './step.ts'

const ROTATION_DAYS = 90
const DAY_MS = 86_400_000

interface Key {
  readonly purpose?: string
  readonly rotationPeriod?: string
  readonly primary?: { readonly name?: string; readonly state?: string }
}

/**
 * The key that encrypts what is secret in Pulumi's state, and the key ring around it. Neither can ever be deleted, only
 * a key's versions: then the secrets in the state are lost.
 * @param now milliseconds since 1970
 */
export async function lookAtKey(google: Google, place: BootstrapPlace, now: number): Promise<Look> {
  const { keyRing, key: name } = keyNames(place)
  const ringIsThere = (await find(google, keyRing, 'keyRings')) !== undefined
  const key = ringIsThere ? await find<Key>(google, name, 'cryptoKeys') : undefined
  const there = ringIsThere ? [`the key ring ${keyRing}`] : []
  const steps = ringIsThere ? [] : [makeKeyRing(google, place)]
  if (!key) return { there, steps: [...steps, makeKey(google, place, now)] }
  refuseUnusable(name, key)
  return {
    there: [...there, `the key ${name}`],
    steps: key.rotationPeriod ? steps : [...steps, rotateKey(google, place, now)],
  }
}

async function find<T>(google: Google, name: string, kind: 'keyRings' | 'cryptoKeys'): Promise<T | undefined> {
  try {
    return await google.ask<T>(toKms(`/v1/${name}`, `look at ${name}`, `${kind}.get`))
  } catch (error) {
    // With the API off there is nothing either.
    if (isStatus(error, 404) || isApiOff(error)) return undefined
    throw error
  }
}

/** A key of another kind cannot be made into one of ours, and its name is taken for ever. */
function refuseUnusable(name: string, { purpose, primary }: Key): void {
  if (purpose !== 'ENCRYPT_DECRYPT') {
    throw new UserError(
      `the key ${name} is there, but is for ${purpose}: what encrypts the state must be for ENCRYPT_DECRYPT`,
      'A key cannot be changed or deleted. Use another region.',
    )
  }
  if (primary?.state !== 'ENABLED') {
    throw new UserError(
      `the key ${name} is there, but its version in use is ${primary?.state ?? 'missing'}: nothing can be encrypted with it`,
      `Enable it: gcloud kms keys versions enable VERSION --key ${name}`,
    )
  }
}

function makeKeyRing(google: Google, place: BootstrapPlace): Step {
  const { location, keyRing, keyRingId } = keyNames(place)
  const what = `make the key ring ${keyRing}`
  const call = toKms(`/v1/${location}/keyRings`, what, 'keyRings.create')
  return { what, run: () => make(google, { ...call, query: { keyRingId }, body: {} }) }
}

function makeKey(google: Google, place: BootstrapPlace, now: number): Step {
  const { keyRing, key, keyId } = keyNames(place)
  const what = `make the key ${key}`
  const call = toKms(`/v1/${keyRing}/cryptoKeys`, what, 'cryptoKeys.create')
  const body = { purpose: 'ENCRYPT_DECRYPT', labels: labelsOf(place), ...rotation(now) }
  return {
    what: `${what}: it will have a new version every ${ROTATION_DAYS} days; the old ones stay, to decrypt`,
    run: () => make(google, { ...call, query: { cryptoKeyId: keyId }, body }),
  }
}

function rotateKey(google: Google, place: BootstrapPlace, now: number): Step {
  const { key } = keyNames(place)
  const what = `have a new version of the key ${key} every ${ROTATION_DAYS} days`
  return {
    what,
    async run() {
      await google.askPatiently({
        ...toKms(`/v1/${key}`, what, 'cryptoKeys.update'),
        method: 'PATCH',
        query: { updateMask: 'rotationPeriod,nextRotationTime' },
        body: rotation(now),
      })
    },
  }
}

function rotation(now: number): { rotationPeriod: string; nextRotationTime: string } {
  return {
    rotationPeriod: `${ROTATION_DAYS * 86_400}s`,
    nextRotationTime: new Date(now + ROTATION_DAYS * DAY_MS).toISOString(),
  }
}

async function make(google: Google, call: Call): Promise<void> {
  try {
    await google.askPatiently({ ...call, method: 'POST' })
  } catch (error) {
    // Made by a try whose answer was lost.
    if (!isStatus(error, 409)) throw error
  }
}

function toKms(path: string, what: string, permission: string): Call {
  return { api: 'cloudkms', path, what, permission: `cloudkms.${permission}` }
}
