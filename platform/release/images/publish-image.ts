import { join } from 'node:path'
import { UserError } from '@millrace/sdk'
import { buildFolder, dockerVersion, pushImage } from './docker.ts'
import { imageOf } from './image.ts'
import { type ImagePlan, imagePlanner } from './plan-image.ts'
import { digestInRegistry } from './registry.ts'
import { CLOUD_SYSTEM } from './system.ts'
import { writeImage } from './write-image.ts'

/** Tags of images that an `up` deploys begin with this; what has one is never cleaned up. */
export const RELEASE_TAG = 'release-'

/** The tag of an image with these contents. */
export function releaseTag({ hash }: Pick<ImagePlan, 'hash'>): string {
  return `${RELEASE_TAG}${hash}`
}

/** An image that is to be in a registry. */
export interface ImageToPublish {
  /** As the registry has it: `runtime`, `flow-hello`. */
  readonly name: string
  /** Says what is in it. */
  readonly tag: string
  /** `europe-west1-docker.pkg.dev/PROJECT/millrace` */
  readonly registry: string
  /** The image of ours that it stands on, by digest. @default what its plan says */
  readonly base?: string | undefined
}

/**
 * Sees to it that an image is in a registry. One that is there, whoever built it and when, is not built again: its tag
 * says what is in it. It can be repeated, also after it was killed: what is not pushed as a whole has no tag.
 * @param root the project's folder
 * @returns its digest
 * @throws UserError when it cannot be built or pushed
 */
export async function publishImage(root: string, wanted: ImageToPublish): Promise<string> {
  const tag = `${wanted.registry}/${wanted.name}:${wanted.tag}`
  const there = await digestInRegistry(tag)
  if (there !== undefined) return there
  if ((await dockerVersion()) === undefined) {
    throw new UserError(
      `no Docker engine answers, so that the image ${wanted.name} cannot be built`,
      'Start Docker, and do it again: images that are built already need none.',
    )
  }
  const plan = await planOf(root, wanted)
  const folder = await writeImage(join(root, 'out/images'), plan)
  await buildFolder({ folder, base: baseOf(plan, wanted), tag, platform: `linux/${DOCKER_CPU[CLOUD_SYSTEM.cpu]}` })
  await push(tag, wanted)
  const pushed = await digestInRegistry(tag)
  if (pushed === undefined) throw new UserError(`${tag} was pushed, but the registry does not have it`)
  return pushed
}

const DOCKER_CPU = { x64: 'amd64', arm64: 'arm64' } as const

/** @throws UserError when a file of it was edited since it was decided what to build */
async function planOf(root: string, wanted: ImageToPublish): Promise<ImagePlan> {
  const plan = await imagePlanner({ root, system: CLOUD_SYSTEM })(imageOf(wanted.name))
  if (releaseTag(plan) === wanted.tag) return plan
  throw new UserError(`what the image ${wanted.name} is made of was changed meanwhile; do it again`)
}

function baseOf(plan: ImagePlan, { name, base }: ImageToPublish): string {
  if (typeof plan.base === 'string') return plan.base
  if (base !== undefined) return base
  throw new Error(`the image ${name} stands on ${plan.base.name}, whose digest is not given`)
}

async function push(tag: string, { registry }: ImageToPublish): Promise<void> {
  const [host = ''] = registry.split('/')
  try {
    await pushImage(tag)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(error.message, `If it asks who you are: gcloud auth configure-docker ${host}`)
  }
}
