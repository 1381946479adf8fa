import { UserError } from '../errors.ts'
import type { Place } from './driver.ts'

/** A part of a bucket. */
export interface BucketPlace {
  readonly bucket: string
  /** What all names of objects in it start with: "" or a path with "/" at its end. */
  readonly prefix: string
}

/**
 * Reads `gs://bucket/prefix` and `s3://bucket/prefix`. Letters stand for themselves: there is no percent-encoding.
 * @throws UserError when there is no bucket in it, or when the prefix is no path
 */
export function parseBucketUrl({ url, target }: Place): BucketPlace {
  const [, scheme = '', bucket = '', path = ''] = /^([a-z0-9]+):\/\/([^/]*)\/?(.*)$/is.exec(target) ?? []
  if (bucket === '' || /[\s@:?#\\]/.test(bucket)) {
    throw new UserError(
      `store ${url}: expected the name of a bucket`,
      `It is written ${scheme || 'gs'}://bucket/prefix.`,
    )
  }
  const parts = path.split('/')
  if (path !== '' && parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new UserError(`store ${url}: the prefix has a part that is empty, "." or ".."`)
  }
  return { bucket, prefix: path === '' ? '' : `${path}/` }
}
