import { type ImageSpec, imageName, PLATFORM_IMAGES } from '@millrace/release'
import * as pulumi from '@pulumi/pulumi'
import type { PlannedImage } from '../components/flow-images.ts'
import { IMAGE_TYPE } from '../components/image-type.ts'
import type { LocalSystem } from './images.ts'

/** What Pulumi's process for dynamic resources runs (infra/components/image.ts says why it is written out). */
export const PROVIDER = "exports.handler = () => require('@millrace/infra/local/image-provider.ts').provider"

export interface LocalImagesArgs {
  /** Each comes after the one that it stands on. */
  readonly images: readonly PlannedImage[]
  readonly system: LocalSystem
}

/**
 * The images of the stack in its engine: those of the platform, and one for each flow. `up` builds what is not there, a
 * preview nothing. Everybody else knows them by their ids, so that nothing of the same name can take their place, and
 * no registry is asked for them.
 */
export class LocalImages extends pulumi.ComponentResource {
  /** Those of the platform, by name, as a release names them: `millrace/runtime@sha256:…`. */
  readonly platform: Readonly<Record<string, pulumi.Output<string>>>
  readonly #all = new Map<string, EngineImage>()

  constructor(name: string, { images, system }: LocalImagesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalImages', name, {}, opts)
    const parent = this
    for (const image of images) this.#all.set(image.name, makeImage(image, this.#all.get(image.base ?? '')))
    this.platform = Object.fromEntries(PLATFORM_IMAGES.map((image) => [image, this.named(image)]))
    this.registerOutputs(this.platform)

    function makeImage({ name, tag }: PlannedImage, below: EngineImage | undefined): EngineImage {
      return new EngineImage(name, { name, tag, ...system }, { parent, ...(below && { dependsOn: below }) })
    }
  }

  /** The id of one of them. */
  of(image: ImageSpec): pulumi.Output<string> {
    const found = this.#all.get(imageName(image))
    if (!found) throw new Error(`the image ${imageName(image)} is not among those of the stack`)
    return found.digest
  }

  /** One of them as a release names it: what it is called, and its id in the place of a digest. */
  named(image: ImageSpec): pulumi.Output<string> {
    return pulumi.interpolate`millrace/${imageName(image)}@${this.of(image)}`
  }
}

/** An image that is built by `up`, in the engine, when its tag is another. */
class EngineImage extends pulumi.CustomResource {
  declare readonly digest: pulumi.Output<string>

  constructor(name: string, args: { name: string; tag: string } & LocalSystem, opts: pulumi.CustomResourceOptions) {
    super(IMAGE_TYPE, name, { ...args, digest: undefined, __provider: PROVIDER }, opts)
  }
}
