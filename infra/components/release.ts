import { type CommitFacts, releasePath, UP_PATH, upText } from '@millrace/release'
import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import { releaseText } from '../release-text.ts'
import type { FlowDeployment } from './flow-deployment.ts'
import type { Foundation } from './foundation.ts'

export interface ReleaseArgs {
  readonly foundation: Foundation
  readonly flows: readonly FlowDeployment[]
  /** Who runs it: they are of this `up` before anything of the release begins. */
  readonly runners: readonly pulumi.Resource[]
  /** What it is made from; undefined outside of a repository. */
  readonly commit: CommitFacts | undefined
}

/**
 * The record of what this `up` deploys: agents and the console find it, and it can be gone back to. It is written when
 * all that it names is there, under a name of its own, and never changed; `up.json` says which one is the newest.
 */
export class Release extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>

  constructor(name: string, args: ReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Release', name, {}, opts)
    const { foundation, flows, runners, commit } = args
    const { place, buckets, images } = foundation
    const bucket = buckets.releases.name
    const parent = this
    const made = makeText()
    this.id = made.id
    const record = makeObject('release', made.id.apply(releasePath), made.text, {
      // It can be gone back to when newer ones are made.
      retainOnDelete: true,
      dependsOn: [...flows.flatMap(({ ready }) => ready), ...runners],
    })
    makeObject('newest', UP_PATH, made.id.apply(upText), { dependsOn: [record] })
    this.registerOutputs({ id: this.id })

    function makeText() {
      return pulumi
        .all([pulumi.all(flows.map(({ deployment }) => deployment)), pulumi.all(images.platform), buckets.bundles.url])
        .apply(([deployments, images, bundles]) => {
          return releaseText({ stack: place.stack, commit, bundles, images, deployments })
        })
    }

    function makeObject(
      object: string,
      path: pulumi.Input<string>,
      text: pulumi.Output<string>,
      more: pulumi.CustomResourceOptions,
    ) {
      return new gcp.storage.BucketObject(
        object,
        {
          bucket,
          name: path,
          // Not `content`, which the provider takes for a secret: what is deployed is for everybody to see.
          source: text.apply((text) => new pulumi.asset.StringAsset(text)),
          contentType: 'application/json',
        },
        { parent, ...more },
      )
    }
  }
}
