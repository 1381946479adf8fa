import { UserError } from '../errors.ts'
import type { Place, StoreDriver } from './driver.ts'
export function gcsDriver({ url }: Place): StoreDriver {
  throw new UserError(`store ${url}: not yet`)
}
