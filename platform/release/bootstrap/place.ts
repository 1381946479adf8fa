/** What is bootstrapped: a stack, and where it is to be. */
export interface BootstrapPlace {
  /** Id of the project. */
  readonly project: string
  readonly region: string
  readonly stack: string
  /** Keeps Pulumi's state. */
  readonly bucket: string
}

/** Of Pulumi's state; a key ring has no other use. */
const KEY_RING = 'pulumi'
const KEY = 'state'

/** The bucket's name where none is asked for: ids of projects are unique in the world, as names of buckets must be. */
export const stateBucket = (project: string): string => `${project}-pulumi-state`

/** Resource names of the key ring and the key, as Cloud KMS writes them. */
export function keyNames({ project, region }: BootstrapPlace): {
  location: string
  keyRingId: string
  keyRing: string
  keyId: string
  key: string
} {
  const location = `projects/${project}/locations/${region}`
  const keyRing = `${location}/keyRings/${KEY_RING}`
  return { location, keyRingId: KEY_RING, keyRing, keyId: KEY, key: `${keyRing}/cryptoKeys/${KEY}` }
}

/** Whose it is, as on everything that the program makes ("managed-by" apart). */
export const labelsOf = ({ stack }: BootstrapPlace): Record<string, string> => ({
  app: 'millrace',
  stack,
  component: 'pulumi-state',
  'managed-by': 'bootstrap',
})

/** The commands that a person goes on with: where the state is, and what encrypts it. */
export function nextCommands(place: BootstrapPlace): string[] {
  return [
    `npm run pulumi -- login ${backendUrl(place)}`,
    `npm run pulumi -- stack init ${place.stack} --secrets-provider gcpkms://${keyNames(place).key}`,
  ]
}

/** What workflows are told as the variable PULUMI_BACKEND_URL. */
export const backendUrl = ({ bucket }: BootstrapPlace): string => `gs://${bucket}`
