import { Unknown } from '../../plan/planned-resource.ts'
import { isDockerContainer } from '../docker.ts'
import type { ResourcePolicy } from '../policy.ts'
import { type Found, is } from '../values.ts'

/** A digest in a registry, the id of an image in an engine, or a name that ends in the hash of what is in it. */
const FIXED = /^(?:(?:[^\s@]+@)?sha256:|[^\s@]+:)[0-9a-f]{64}$/
const BY_DIGEST = /^[^\s@]+@sha256:[0-9a-f]{64}$/
/** What is yet to be built, or to be brought, has its id then. */
const LATER = /^<(?:[\w-]+\.(?:digest|imageId)|\?)>$/

export const dockerImages: ResourcePolicy = {
  name: 'docker-images',
  description: 'A container of an engine names its image by what is in it: by a digest, an id, or a hash.',
  reason:
    'A tag is another image tomorrow, and an engine that lacks it asks a registry of anybody for one of that name.',
  *resource(resource) {
    const { type, inputs } = resource
    if (type === 'docker:index/remoteImage:RemoteImage' && !isFixed(inputs.name, BY_DIGEST)) {
      yield {
        property: 'name',
        wrong: is(inputs.name),
        fix: 'name it by digest: IMAGE@sha256:…, 64 hexadecimal digits',
      }
    }
    if (isDockerContainer(resource) && !isFixed(inputs.image, FIXED)) {
      yield {
        property: 'image',
        wrong: is(inputs.image),
        fix: 'give the digest of an Image, or imageId of a RemoteImage',
      }
    }
  },
}

function isFixed(value: Found, pattern: RegExp): boolean {
  return value instanceof Unknown ? LATER.test(String(value)) : typeof value === 'string' && pattern.test(value)
}
