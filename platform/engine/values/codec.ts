import { hash } from 'node:crypto'
import { hideSecrets, resolveSecrets, UserError } from '@millrace/sdk'
import { addExtension, Packr } from 'msgpackr'

/**
 * How values travel between driver, workers and database: msgpack, with maps, sets, dates, big integers,
 * typed arrays and errors. The same data goes through it on every executor, so that a flow behaves
 * on threads as it does on a cluster.
 */
const packr = new Packr({
  // Plain objects as records, so that a Map stays a Map and an object an object.
  useRecords: true,
  mapsAsObjects: false,
  moreTypes: true,
  useBigIntExtension: true,
  // A decoded Uint8Array must not be a window on a larger message that it keeps alive.
  copyBuffers: true,
})

/** A text that contains a secret's value: written as `secret://` reference, read back as the value. */
class HiddenText {
  readonly reference: string

  constructor(reference: string) {
    this.reference = reference
  }
}

addExtension({
  Class: HiddenText,
  type: 0x48,
  write: (hidden: HiddenText) => hidden.reference,
  read: (reference: string) => resolveSecrets(reference),
})

class NotData extends Error {}

Object.assign(packr, {
  writeFunction: () => {
    throw new NotData('a function')
  },
})
for (const [Class, type, kind] of [
  [Promise, 0x50, 'a promise (is an "await" missing?)'],
  [WeakMap, 0x57, 'a WeakMap'],
] as const) {
  addExtension({
    Class: Class as unknown as new () => object,
    type,
    write: () => {
      throw new NotData(kind)
    },
    read: () => undefined,
  } as unknown as Parameters<typeof addExtension>[0])
}

/**
 * Writes a value as bytes of its own (never a window on a shared buffer).
 * @param what names the value in the error, for instance `task measure: argument 1`
 * @throws UserError when a part of it is not data: a function, a symbol, a promise, a circular reference
 */
export function encode(value: unknown, what = 'the value'): Uint8Array<ArrayBuffer> {
  try {
    const packed = packr.pack(hideSecrets(value, (reference) => new HiddenText(reference)))
    // A Buffer from the pool cannot be transferred to another thread; a large one is already alone.
    return packed.byteLength === packed.buffer.byteLength ? asBytes(packed) : new Uint8Array(packed)
  } catch (error) {
    throw new UserError(`${what} ${describeFailure(value, error)}`)
  }
}

/** Reads what {@link encode} wrote. */
export function decode(bytes: Uint8Array): unknown {
  return packr.unpack(bytes)
}

/** The bytes of a buffer, as the plain view that threads can hand over. */
export function asBytes(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength)
}

/** SHA-256 of bytes, in hexadecimal. */
export function digest(bytes: Uint8Array | string): string {
  return hash('sha256', bytes)
}

/** A text that is equal for equal values, whatever the order of their keys: for the cache. */
export function fingerprint(value: unknown): string {
  return digest(encode(canonical(value)))
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [canonical(key), canonical(item)]))
  if (value === null || typeof value !== 'object') return value
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]),
  )
}

/** Finds the part that cannot travel, so that the error can name it. */
function describeFailure(value: unknown, error: unknown): string {
  const found = findNotData(value, '', new Set())
  if (found) return `cannot travel to a worker: ${found}`
  return `cannot travel to a worker: ${error instanceof Error ? error.message : String(error)}`
}

function findNotData(value: unknown, path: string, above: Set<unknown>): string | undefined {
  const where = path || 'it'
  if (typeof value === 'function') return `${where} is a function; pass data and let the task import the function`
  if (typeof value === 'symbol') return `${where} is a symbol`
  if (value instanceof Promise) return `${where} is a promise (is an "await" missing?)`
  if (value instanceof WeakMap || value instanceof WeakSet) return `${where} is a ${value.constructor.name}`
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return undefined
  if (above.has(value)) return `${where} contains itself`
  const inside = new Set(above).add(value)
  for (const [key, item] of value instanceof Map ? value : Object.entries(value)) {
    const step = Array.isArray(value) ? `[${key}]` : `.${String(key)}`
    const found = findNotData(item, `${path}${step}`, inside)
    if (found) return found
  }
  return undefined
}
