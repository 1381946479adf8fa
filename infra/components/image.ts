import * as pulumi from '@pulumi/pulumi'
import { IMAGE_TYPE } from './image-type.ts'

export interface ImageArgs {
  /** As the registry has it: `flow-hello`. */
  readonly name: string
  /** Says what is in it: another content is another tag. */
  readonly tag: string
  /** `europe-west1-docker.pkg.dev/PROJECT/millrace` */
  readonly registry: pulumi.Input<string>
  /** The image of ours that it stands on, by digest. @default what its plan says */
  readonly base?: pulumi.Input<string>
}

/**
 * What Pulumi's process for dynamic resources runs, and keeps in the state. Pulumi would write it itself from functions,
 * by means of the TypeScript compiler; this says the same, is quickly said, and does not change when the functions do.
 */
export const PROVIDER = "exports.handler = () => require('@millrace/infra/image-provider.ts').provider"

/**
 * An image that is built and pushed by `up` when its tag is another, and only if the registry does not have it yet. What
 * it does is in infra/image-provider.ts. The builders that Pulumi has do not fit: `docker.Image` reads all of an image
 * in each preview, and so wants it assembled; `docker.RemoteImage` is of this machine, and gone on the next one.
 */
export class Image extends pulumi.CustomResource {
  /** `sha256:…`, known when it is there. */
  declare readonly digest: pulumi.Output<string>

  constructor(name: string, args: ImageArgs, opts?: pulumi.CustomResourceOptions) {
    super(IMAGE_TYPE, name, { ...args, digest: undefined, __provider: PROVIDER }, opts)
  }
}
