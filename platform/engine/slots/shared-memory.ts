import { pack } from '../values/wire.ts'
import type { WireShared } from './batch.ts'
import type { RunFacts, SharedArgs } from './call.ts'

const facts = new WeakMap<RunFacts, SharedArrayBuffer>()
const shared = new WeakMap<Uint8Array, WireShared>()

/** A run's facts, packed, in memory that all threads see: written once, not copied for each batch. */
export function runFactsInSharedMemory(run: RunFacts): SharedArrayBuffer {
  const known = facts.get(run)
  if (known) return known
  const made = copyOf(pack(run))
  facts.set(run, made)
  return made
}

/** The same for shared arguments. */
export function inSharedMemory({ hash, bytes }: SharedArgs): WireShared {
  const known = shared.get(bytes)
  if (known) return known
  const made = { hash, bytes: copyOf(bytes) }
  shared.set(bytes, made)
  return made
}

function copyOf(bytes: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes.byteLength)
  new Uint8Array(memory).set(bytes)
  return memory
}
