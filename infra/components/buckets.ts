import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { BucketsConfig } from '../config.ts'
import { labelsOf, type Place } from '../place.ts'
import type { ProjectServices } from './project-services.ts'

const DAY = 86_400

export interface BucketsArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly config: BucketsConfig
}

/** A bucket, or a part of one. */
export interface BucketGrant {
  readonly bucket: gcp.storage.Bucket
  /** `objectViewer` reads, `objectUser` also writes and deletes. */
  readonly role: 'objectViewer' | 'objectUser'
  readonly member: pulumi.Input<string>
  /** Only what begins so, for instance `flows/datacube/`. @default all of it */
  readonly prefix?: string
}

/**
 * Where bundles, results and release records are kept. Nobody on the internet can be let in, and what was overwritten or
 * deleted can be brought back for a while. Results go by themselves after their time; bundles and releases stay.
 */
export class Buckets extends pulumi.ComponentResource {
  /** Bundles by flow and digest: `datacube/DIGEST.mjs`. */
  readonly bundles: gcp.storage.Bucket
  /** What runs write: `flows/datacube/…`, one prefix a flow. */
  readonly results: gcp.storage.Bucket
  /** Release records, and for each flow what is deployed of it. */
  readonly releases: gcp.storage.Bucket

  constructor(name: string, args: BucketsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Buckets', name, {}, opts)
    const { place, services, config } = args
    const parent = this
    this.bundles = makeBucket('bundles', [])
    this.results = makeBucket('results', [expire({ age: config.resultsFor / DAY, withState: 'LIVE' })])
    this.releases = makeBucket('releases', [])
    this.registerOutputs({ bundles: this.bundles.name, results: this.results.name, releases: this.releases.name })

    function makeBucket(what: string, rules: gcp.types.input.storage.BucketLifecycleRule[]) {
      return new gcp.storage.Bucket(
        what,
        {
          project: place.project,
          // Names of buckets are the whole world's; a project's id is nobody else's.
          name: `${place.project}-${what}`,
          location: (config.location ?? place.region).toUpperCase(),
          uniformBucketLevelAccess: true,
          publicAccessPrevention: 'enforced',
          versioning: { enabled: true },
          // A stack that is no longer protected goes with what is in it.
          forceDestroy: !place.protect,
          lifecycleRules: [
            ...rules,
            expire({ daysSinceNoncurrentTime: config.deletedFor / DAY }),
            // Pieces of an upload that never ended cost money, and nobody sees them.
            { action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: 7 } },
          ],
          labels: labelsOf(place, what),
        },
        { parent, protect: place.protect, dependsOn: services.of('storage') },
      )
    }
  }

  /** Lets somebody read or write. */
  grant(
    name: string,
    { bucket, role, member, prefix }: BucketGrant,
    parent: pulumi.Resource,
  ): gcp.storage.BucketIAMMember {
    return new gcp.storage.BucketIAMMember(
      name,
      {
        bucket: bucket.name,
        role: `roles/storage.${role}`,
        member,
        ...(prefix !== undefined && { condition: { title: `only ${prefix}`, expression: below(bucket, prefix) } }),
      },
      { parent },
    )
  }
}

function expire(condition: gcp.types.input.storage.BucketLifecycleRuleCondition) {
  return { action: { type: 'Delete' }, condition }
}

/** Objects below a prefix, and lists that ask for no more than them: a list is of the bucket, not of an object. */
function below(bucket: gcp.storage.Bucket, prefix: string): pulumi.Output<string> {
  return pulumi.interpolate`resource.name.startsWith("projects/_/buckets/${bucket.name}/objects/${prefix}") || api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("${prefix}")`
}
