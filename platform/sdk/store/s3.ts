import { UserError } from '../errors.ts'
import type { Place, StoreDriver } from './driver.ts'
export interface S3Options {
  endpoint?: string
  region?: string
  accessKeyId?: string
  secretAccessKey?: string
  forcePathStyle?: boolean
}
export function s3Driver({ url }: Place, _options: S3Options = {}): StoreDriver {
  throw new UserError(`store ${url}: not yet`)
}
