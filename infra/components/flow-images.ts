import { type ImageSpec, imageName, PLATFORM_IMAGES } from '@millrace/release'
import * as pulumi from '@pulumi/pulumi'
import type { ImagesConfig } from '../config.ts'
import type { ArtifactRegistry } from './artifact-registry.ts'
import { Image } from './image.ts'

/** An image, before it is made. */
export interface PlannedImage {
  readonly name: string
  /** Of all that it is made of. */
  readonly tag: string
  /** Name of the image of ours that it stands on. */
  readonly base?: string
}

export interface FlowImagesArgs {
  readonly registry: ArtifactRegistry
  /** Each comes after the one that it stands on. */
  readonly images: readonly PlannedImage[]
  /** Digests of those that stay as they are, whatever this checkout would make. */
  readonly held: ImagesConfig
}

/**
 * The images of the stack in its registry: those of the platform, and one for each flow, which is the runtime and its
 * bundle. They are named by what is in them, and known to everybody else by digest. Nothing of this is done by a preview;
 * what was deployed once stays, for runs that began with it and for a rollback.
 */
export class FlowImages extends pulumi.ComponentResource {
  /** Those of the platform, by name: `europe-west1-docker.pkg.dev/PROJECT/millrace/runtime@sha256:…`. */
  readonly platform: Readonly<Record<string, pulumi.Output<string>>>
  readonly #all = new Map<string, pulumi.Output<string>>()

  constructor(name: string, args: FlowImagesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:FlowImages', name, {}, opts)
    const { registry, images, held } = args
    const parent = this
    const all = this.#all
    for (const [image, digest] of Object.entries(held)) if (digest) all.set(image, registry.image(image, digest))
    for (const image of images) all.set(image.name, registry.image(image.name, makeImage(image).digest))
    this.platform = Object.fromEntries(PLATFORM_IMAGES.map((image) => [image, this.of(image)]))
    this.registerOutputs(this.platform)

    function makeImage({ name, tag, base }: PlannedImage): Image {
      const below = base === undefined ? undefined : all.get(base)
      return new Image(
        name,
        { name, tag, registry: registry.url, ...(below && { base: below }) },
        // What a release names is never removed with the release that comes after it.
        { parent, retainOnDelete: true },
      )
    }
  }

  /** One of them, by digest. */
  of(image: ImageSpec): pulumi.Output<string> {
    const found = this.#all.get(imageName(image))
    if (!found) throw new Error(`the image ${imageName(image)} is not among those of the stack`)
    return found
  }
}
