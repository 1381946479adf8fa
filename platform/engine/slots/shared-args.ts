import { decode } from '../values/codec.ts'
import type { SharedArgs } from './call.ts'

const REMEMBERED = 16
const decoded = new Map<string, readonly unknown[]>()

/** Shared arguments are decoded once per thread and frozen: a task that changed them would change them for the next. */
export function sharedArgs(shared: SharedArgs | undefined): readonly unknown[] {
  if (!shared) return []
  const known = decoded.get(shared.hash)
  if (known) return known
  // A copy: the decoder keeps windows on its input, and cannot read memory that threads share.
  const args = freeze(decode(new Uint8Array(shared.bytes))) as readonly unknown[]
  decoded.set(shared.hash, args)
  const [oldest] = decoded.keys()
  if (decoded.size > REMEMBERED && oldest !== undefined) decoded.delete(oldest)
  return args
}

/** Typed arrays cannot be frozen: they stay as they are. */
function freeze(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  if (value instanceof Map || value instanceof Set) {
    for (const [key, item] of value.entries()) {
      freeze(key)
      freeze(item)
    }
    for (const method of ['set', 'add', 'delete', 'clear']) Object.defineProperty(value, method, { value: refuse })
  } else for (const item of Object.values(value)) freeze(item)
  return Object.freeze(value)
}

function refuse(): never {
  throw new TypeError('an argument that all items of a map share cannot be changed')
}
