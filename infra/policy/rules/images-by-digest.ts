import { Unknown } from '../../plan/planned-resource.ts'
import { leaves } from '../../plan/walk.ts'
import { containersOf } from '../containers.ts'
import type { ResourcePolicy } from '../policy.ts'
import { is } from '../values.ts'

const BY_DIGEST = /^[^\s@]+@sha256:[0-9a-f]{64}$/
/** An image in a registry of Google's, wherever it is named: host, project, repository, image, tag or digest. */
const IMAGE = /[a-z0-9-]+-docker\.pkg\.dev\/[\w.:-]+\/[\w.-]+\/[\w./-]+(?::[\w.-]+)?(?:@sha256:[0-9a-f]*)?/g

export const imagesByDigest: ResourcePolicy = {
  name: 'images-by-digest',
  description: 'Every container image is named by its digest.',
  reason: 'A tag is another image tomorrow: the plan would not say what runs, and two machines would run two things.',
  *resource(resource) {
    const images = containersOf(resource).map(({ path, container }) => ({
      path: `${path}.image`,
      value: container.image,
    }))
    const isContainers = new Set(images.map(({ path }) => path))
    for (const { path, value } of leaves(resource.inputs)) {
      if (isContainers.has(path) || typeof value !== 'string') continue
      images.push(...[...value.matchAll(IMAGE)].map(([image]) => ({ path, value: image })))
    }
    for (const { path, value } of images) {
      if (typeof value === 'string' && BY_DIGEST.test(value)) continue
      if (value instanceof Unknown && mayBeDigest(value)) continue
      yield { property: path, wrong: is(value), fix: 'name it by digest: IMAGE@sha256:…, 64 hexadecimal digits' }
    }
  },
}

/**
 * An image that is yet to be built has its digest then: what is known by now must end in the digest of another resource.
 * Where nothing is known of it, as in Pulumi's own preview, it is looked at again when it is.
 */
function mayBeDigest(value: Unknown): boolean {
  const text = String(value)
  return text === '<?>' || /^[^\s@]+@<[\w-]+\.digest>$/.test(text)
}
