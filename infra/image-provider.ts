import { fileURLToPath } from 'node:url'
import { digestInRegistry, type ImageToPublish, publishImage } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import type * as pulumi from '@pulumi/pulumi'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What is kept of an image in the state of a stack. */
export interface PublishedImage extends ImageToPublish {
  readonly digest: string
}

/**
 * What Pulumi's process for dynamic resources does with an image (infra/components/image.ts). It is asked to create or
 * update one by `up` alone; a preview ends with `diff`, which compares words. There is no `delete`: an image that a
 * release names may be gone back to, and the registry cleans up the others.
 */
export const provider = {
  async diff(_id, olds, news) {
    return { changes: olds.tag !== news.tag || olds.registry !== news.registry || olds.name !== news.name }
  },

  async create(inputs) {
    return { id: inputs.name, outs: await publish(inputs) }
  },

  async update(_id, _olds, news) {
    return { outs: await publish(news) }
  },

  /** One that somebody removed from the registry is missed by `pulumi refresh`, and published again by the next `up`. */
  async read(id, props = {} as PublishedImage) {
    const { registry, name, digest } = props
    const there = await words(digestInRegistry(`${registry}/${name}@${digest}`))
    return there === undefined ? {} : { id, props }
  },
} satisfies pulumi.dynamic.ResourceProvider<ImageToPublish, PublishedImage>

async function publish({ name, tag, registry, base }: ImageToPublish): Promise<PublishedImage> {
  const image = { name, tag, registry, ...(base !== undefined && { base }) }
  return { ...image, digest: await words(publishImage(ROOT, image)) }
}

/** Pulumi shows an error's message alone. */
async function words<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof UserError) || error.hint === undefined) throw error
    throw new Error(`${error.message}\n${error.hint}`)
  }
}
