/** One of our images. Those of flows and workers stand on the runtime, the others on a base image. */
export type ImageSpec = (typeof PLATFORM_IMAGES)[number] | { readonly flow: string }

/** All but those of flows. */
export const PLATFORM_IMAGES = ['runtime', 'worker', 'console', 'agent'] as const

const FLOW = 'flow-'

/** As it is called in a registry: `worker`, `flow-hello`. */
export function imageName(image: ImageSpec): string {
  return typeof image === 'string' ? image : `${FLOW}${image.flow}`
}

/** The image that is called so. @throws Error when none can be */
export function imageOf(name: string): ImageSpec {
  const known = PLATFORM_IMAGES.find((each) => each === name)
  if (known) return known
  if (name.startsWith(FLOW)) return { flow: name.slice(FLOW.length) }
  throw new Error(`no image can be called "${name}"`)
}

/** Its folder below `images/`. */
export function imageFolder(image: ImageSpec): string {
  return typeof image === 'string' ? image : 'flow'
}

/**
 * What images stand on if nothing else is asked for: glibc, libstdc++ and CA certificates of Debian 13, no shell, a user
 * that is not root. Move the digest deliberately, as any other version.
 */
export const BASE_IMAGE =
  'gcr.io/distroless/cc-debian13:nonroot@sha256:e792ab3d241a468a4fd7519ddbbebe66b49b5f365771716ea688ad40b6c6f1c2'
