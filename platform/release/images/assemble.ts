import { join } from 'node:path'
import type { ImageSpec } from './image.ts'
import { type Part, partsOf } from './parts.ts'
import { type ImageOptions, type ImagePlan, imagePlanner } from './plan-image.ts'
import { filesToWrite, writeImage } from './write-image.ts'

export interface AssembleOptions extends ImageOptions {
  /** Where the folders of images are made. @default out/images in the project */
  readonly out?: string
}

/** An image that is ready to be built: all of it is in a folder. */
export interface AssembledImage {
  readonly name: string
  /** SHA-256 of all that it is made of, that which it stands on included. The same on every machine. */
  readonly hash: string
  /** Has `Dockerfile` and `app/`; the latter, laid over that of what it stands on, is all that runs. */
  readonly folder: string
  readonly parts: readonly Part[]
  /** The image that it stands on: another of ours, or the name of one. */
  readonly base: AssembledImage | string
}

/**
 * Puts together what images are made of, and what these stand on. What it does follows from files of the project, and is
 * the same on every machine; nothing is built, and nothing is done where nothing changed.
 * @throws UserError when something is missing
 */
export async function assembleImages(
  images: readonly ImageSpec[],
  options: AssembleOptions,
): Promise<AssembledImage[]> {
  const { root, out = join(root, 'out/images') } = options
  const plan = imagePlanner(options)
  const done = new Map<ImagePlan, Promise<AssembledImage>>()

  function assemble(planned: ImagePlan): Promise<AssembledImage> {
    const known = done.get(planned) ?? make(planned)
    done.set(planned, known)
    return known
  }

  async function make(planned: ImagePlan): Promise<AssembledImage> {
    const base = typeof planned.base === 'string' ? planned.base : await assemble(planned.base)
    const folder = await writeImage(out, planned)
    return { name: planned.name, hash: planned.hash, folder, parts: partsOf(filesToWrite(planned.files)), base }
  }

  const plans = await Promise.all(images.map(plan))
  return await Promise.all(plans.map(assemble))
}
