import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { assembleImages, buildImage, dockerVersion, imageOf, imageTag } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import type * as pulumi from '@pulumi/pulumi'
import type { LocalSystem } from './images.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCKER_CPU = { x64: 'amd64', arm64: 'arm64' } as const
const run = promisify(execFile)

/** An image that is to be in a Docker engine. */
export interface ImageToBuild extends LocalSystem {
  /** `agent`, `flow-hello` */
  readonly name: string
  /** Hash of all that is in it: what its name in the engine ends in. */
  readonly tag: string
}

/** What is kept of an image in the state of a stack. */
export interface BuiltImage extends ImageToBuild {
  /** `sha256:…`: by this the engine knows it, whatever is called as it is. */
  readonly digest: string
}

/**
 * What Pulumi's process for dynamic resources does with an image of a stack of containers: `up` builds it with the
 * engine that DOCKER_HOST names, unless it has it. A preview ends with `diff`, which compares words. Nothing is deleted:
 * runs and releases that began with an image may need it.
 */
export const provider = {
  async diff(_id, olds, news) {
    return { changes: olds.tag !== news.tag || olds.name !== news.name }
  },

  async create(inputs) {
    return { id: inputs.name, outs: await build(inputs) }
  },

  async update(_id, _olds, news) {
    return { outs: await build(news) }
  },

  /** One that somebody removed is missed by `pulumi refresh`, and built again by the next `up`. */
  async read(id, props = {} as BuiltImage) {
    const there = await idInEngine(props)
    return there === props.digest ? { id, props } : {}
  },
} satisfies pulumi.dynamic.ResourceProvider<ImageToBuild, BuiltImage>

async function build(wanted: ImageToBuild): Promise<BuiltImage> {
  const { name, tag, base, processor } = wanted
  try {
    if ((await dockerVersion()) === undefined) {
      throw new UserError('no Docker engine answers; start Docker, or say by DOCKER_HOST where it is, and do it again')
    }
    const [image] = await assembleImages([imageOf(name)], { root: ROOT, base, system: { cpu: processor } })
    if (image?.hash !== tag) {
      throw new UserError(`what the image ${name} is made of was changed meanwhile; do it again`)
    }
    await buildImage(image, `linux/${DOCKER_CPU[processor]}`)
    const digest = await idInEngine(wanted)
    if (digest === undefined) throw new UserError(`${nameOf(wanted)} was built, but the engine does not have it`)
    return { name, tag, base, processor, digest }
  } catch (error) {
    // Pulumi shows an error's message alone.
    if (!(error instanceof UserError) || error.hint === undefined) throw error
    throw new Error(`${error.message}\n${error.hint}`)
  }
}

function nameOf({ name, tag }: ImageToBuild): string {
  return imageTag({ name, hash: tag })
}

async function idInEngine(image: ImageToBuild): Promise<string | undefined> {
  try {
    const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{.Id}}', nameOf(image)])
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}
