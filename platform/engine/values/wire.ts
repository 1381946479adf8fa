import { Packr } from 'msgpackr'
import { asBytes } from './codec.ts'

/**
 * Packs what goes between threads: one buffer that changes hands is several times cheaper than the hundreds of small
 * objects and buffers that are in it. What it carries of a task's values is packed already (codec.ts).
 */
const packr = new Packr({ useRecords: true, mapsAsObjects: false, encodeUndefinedAsNil: false })

/** @returns bytes that nothing else refers to, so that they may be transferred */
export function pack(message: unknown): Uint8Array<ArrayBuffer> {
  const packed = packr.pack(message)
  return packed.byteLength === packed.buffer.byteLength ? asBytes(packed) : new Uint8Array(packed)
}

/** The opposite of {@link pack}. Bytes in the message are windows on `bytes`. */
export function unpack<T>(bytes: Uint8Array): T {
  return packr.unpack(bytes) as T
}
