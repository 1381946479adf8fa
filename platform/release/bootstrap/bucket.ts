import { UserError } from '@millrace/sdk'
import type { Call, Google } from './google.ts'
import { type BootstrapPlace, labelsOf } from './place.ts'
import { isApiOff, isStatus } from './refusal.ts'
import type { Look, Step } from './step.ts'

interface Bucket {
  readonly location?: string
  readonly projectNumber?: string
  readonly versioning?: { readonly enabled?: boolean }
  readonly iamConfiguration?: {
    readonly uniformBucketLevelAccess?: { readonly enabled?: boolean }
    readonly publicAccessPrevention?: string
  }
}

/** What must hold of the bucket: earlier states can be gone back to, and only IAM decides who gets in. */
const SETTINGS = [
  {
    words: 'keep what is overwritten',
    holds: ({ versioning }: Bucket) => versioning?.enabled === true,
    patch: { versioning: { enabled: true } },
  },
  {
    words: 'let IAM alone decide who may',
    holds: ({ iamConfiguration }: Bucket) => iamConfiguration?.uniformBucketLevelAccess?.enabled === true,
    patch: { iamConfiguration: { uniformBucketLevelAccess: { enabled: true } } },
  },
  {
    words: 'be closed to the public',
    holds: ({ iamConfiguration }: Bucket) => iamConfiguration?.publicAccessPrevention === 'enforced',
    patch: { iamConfiguration: { publicAccessPrevention: 'enforced' } },
  },
] as const

/**
 * The bucket of Pulumi's state.
 * @param number of the project: a bucket of this name that belongs to another project must not get the state
 */
export async function lookAtBucket(google: Google, place: BootstrapPlace, number: string): Promise<Look> {
  const { bucket: name } = place
  const bucket = await findBucket(google, place)
  if (!bucket) return { there: [], steps: [makeBucket(google, place, number)] }
  if (bucket.projectNumber !== number) throw taken(place)
  const wrong = SETTINGS.filter(({ holds }) => !holds(bucket))
  return {
    there: [`the bucket gs://${name}, in ${bucket.location?.toLowerCase()}`],
    steps: wrong.map(({ words, patch }) => changeBucket(google, place, `have the bucket gs://${name} ${words}`, patch)),
  }
}

async function findBucket(google: Google, place: BootstrapPlace): Promise<Bucket | undefined> {
  try {
    return await google.ask<Bucket>(toBucket(place, `look at the bucket gs://${place.bucket}`, 'get'))
  } catch (error) {
    // With the API off there is no bucket either.
    if (isStatus(error, 404) || isApiOff(error)) return undefined
    throw isStatus(error, 403) ? taken(place) : error
  }
}

function makeBucket(google: Google, place: BootstrapPlace, number: string): Step {
  const { bucket: name, project, region } = place
  return {
    what: `make the bucket gs://${name} in ${region}: it will ${SETTINGS.map(({ words }) => words).join(', ')}`,
    async run() {
      try {
        await google.askPatiently({
          ...toBucket(place, `make the bucket gs://${name}`, 'create'),
          method: 'POST',
          path: '/storage/v1/b',
          query: { project },
          body: {
            name,
            location: region,
            labels: labelsOf(place),
            versioning: { enabled: true },
            iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
          },
        })
      } catch (error) {
        if (!isStatus(error, 409)) throw error
        // It is there: made by a try whose answer was lost, or by somebody else in the world.
        const { steps } = await lookAtBucket(google, place, number)
        for (const step of steps) await step.run()
      }
    },
  }
}

function changeBucket(google: Google, place: BootstrapPlace, what: string, patch: object): Step {
  return {
    what,
    async run() {
      await google.askPatiently({ ...toBucket(place, what, 'update'), method: 'PATCH', body: patch })
    },
  }
}

function toBucket({ bucket }: BootstrapPlace, what: string, verb: string): Call {
  return { api: 'storage', path: `/storage/v1/b/${bucket}`, what, permission: `storage.buckets.${verb}` }
}

function taken({ bucket, project }: BootstrapPlace): UserError {
  return new UserError(
    `cannot use the bucket gs://${bucket}: it is not in the project ${project}, or you lack the permission storage.buckets.get there`,
    'Names of buckets are unique in the world. Choose another with --bucket, or ask an owner of the project.',
  )
}
