import type { ResourcePolicy } from '../policy.ts'
import { at, is, isHidden } from '../values.ts'

export const privateBuckets: ResourcePolicy = {
  name: 'private-buckets',
  description: 'Buckets refuse public access, and have no access lists of single objects.',
  reason: 'Prevention holds against every later grant; a list on one object is seen by nobody.',
  *resource({ type, inputs }) {
    if (type !== 'gcp:storage/bucket:Bucket') return
    const prevention = at(inputs, 'publicAccessPrevention')
    if (prevention !== 'enforced' && !isHidden(prevention)) {
      yield { property: 'publicAccessPrevention', wrong: is(prevention), fix: 'set it to "enforced"' }
    }
    const uniform = at(inputs, 'uniformBucketLevelAccess')
    if (uniform !== true && !isHidden(uniform)) {
      yield { property: 'uniformBucketLevelAccess', wrong: is(uniform), fix: 'set it to true' }
    }
    if (at(inputs, 'website') !== undefined) {
      yield { property: 'website', wrong: 'makes a page of the bucket', fix: 'remove it; pages come from the console' }
    }
  },
}
