import { store as openStore, type Store } from '@millrace/sdk'
import { SPILL_ABOVE } from '../store/run-store.ts'
import { digest } from '../values/codec.ts'
import type { Database } from './database.ts'

/** First byte of a reference; no msgpack value begins with it. */
const REFERENCE = 0xc1
const CHUNK = 1024 * 1024
/** Shared values of recent maps, so that a worker reads each once. */
const CACHED_BYTES = 128 * 1024 * 1024

/** Runs of which it is known where their values are. */
const REMEMBERED = 1000

/**
 * Values of a run that are too large for their row: in the run's object store where its driver was told one
 * (`MILLRACE_STORE`), else in chunks in the database. What is kept in their place is a short reference. Workers, and who
 * looks at results, may have another store of their own, or none: it is the run's that counts.
 */
export class LargeValues {
  private readonly database: Database
  /** The store of each run, by its number. */
  private readonly stores = new Map<number, Promise<Store | undefined>>()
  private readonly recent = new Map<string, Uint8Array>()
  /** Values too large to be kept, as long as somebody else keeps them. */
  private readonly inUse = new Map<string, WeakRef<Uint8Array>>()
  private readonly reading = new Map<string, Promise<Uint8Array>>()
  private recentBytes = 0

  constructor(database: Database) {
    this.database = database
  }

  /** The value as it is, or a reference to it where it is large. */
  spill(run: number, bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
    return bytes.byteLength <= SPILL_ABOVE ? bytes : this.refer(run, bytes)
  }

  /** The opposite of {@link spill}. */
  restore(run: number, bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (bytes[0] !== REFERENCE) return bytes
    return this.get(run, Buffer.from(bytes.subarray(1)).toString('ascii'))
  }

  /** Keeps a value under its hash; the same value is kept once a run. */
  async put(run: number, bytes: Uint8Array): Promise<string> {
    const hash = digest(bytes)
    const objects = await this.storeOf(run)
    if (objects) {
      await objects.write(`values/${run}/${hash}`, bytes)
      return hash
    }
    for (let chunk = 0; chunk * CHUNK < bytes.byteLength || chunk === 0; chunk++) {
      await this.database.query(
        'insert into value_chunk (run, hash, chunk, bytes) values ($1, $2, $3, $4) on conflict do nothing',
        [run, hash, chunk, bytes.subarray(chunk * CHUNK, (chunk + 1) * CHUNK)],
        { name: 'put-chunk' },
      )
    }
    return hash
  }

  /** At once, where it is at hand. */
  get(run: number, hash: string): Uint8Array | Promise<Uint8Array> {
    const key = `${run}/${hash}`
    const known = this.recent.get(key) ?? this.inUse.get(key)?.deref()
    if (known) return known
    const reading = this.reading.get(key) ?? this.readAndCheck(run, hash, key)
    this.reading.set(key, reading)
    return reading
  }

  /** Forgets the values of runs that were deleted. */
  async removeRun(run: number): Promise<void> {
    await this.database.query('delete from value_chunk where run = $1', [run])
    await (await this.storeOf(run))?.removeAll(`values/${run}/`)
  }

  private storeOf(run: number): Promise<Store | undefined> {
    const known = this.stores.get(run) ?? this.findStore(run)
    this.stores.set(run, known)
    known.catch(() => this.stores.delete(run))
    const [oldest] = this.stores.keys()
    if (this.stores.size > REMEMBERED && oldest !== undefined) this.stores.delete(oldest)
    return known
  }

  private async findStore(run: number): Promise<Store | undefined> {
    const [row] = await this.database.query<{ store: string | null }>('select store from flow_run where no = $1', [run])
    return row?.store ? openStore(row.store) : undefined
  }

  private async refer(run: number, bytes: Uint8Array): Promise<Uint8Array> {
    const hash = await this.put(run, bytes)
    return Buffer.concat([Buffer.of(REFERENCE), Buffer.from(hash, 'ascii')])
  }

  private async readAndCheck(run: number, hash: string, key: string): Promise<Uint8Array> {
    try {
      const bytes = await this.read(run, hash)
      // Checked, for a value that was only half written must not be taken for whole.
      if (digest(bytes) !== hash)
        throw new Error(`the value ${hash.slice(0, 12)}… of the run is incomplete in the store`)
      this.remember(key, bytes)
      return bytes
    } finally {
      this.reading.delete(key)
    }
  }

  private async read(run: number, hash: string): Promise<Uint8Array> {
    const objects = await this.storeOf(run)
    if (objects) return objects.read(`values/${run}/${hash}`)
    const parts: Uint8Array[] = []
    for (let chunk = 0; ; chunk++) {
      const [row] = await this.database.query<{ bytes: Buffer }>(
        'select bytes from value_chunk where run = $1 and hash = $2 and chunk = $3',
        [run, hash, chunk],
        { name: 'get-chunk' },
      )
      if (!row) break
      parts.push(row.bytes)
      if (row.bytes.byteLength < CHUNK) break
    }
    return Buffer.concat(parts)
  }

  private remember(key: string, bytes: Uint8Array): void {
    if (bytes.byteLength > CACHED_BYTES / 2) {
      this.inUse.set(key, new WeakRef(bytes))
      for (const [each, reference] of this.inUse) if (!reference.deref()) this.inUse.delete(each)
      return
    }
    this.recent.set(key, bytes)
    this.recentBytes += bytes.byteLength
    for (const [oldest, value] of this.recent) {
      if (this.recentBytes <= CACHED_BYTES) break
      this.recent.delete(oldest)
      this.recentBytes -= value.byteLength
    }
  }
}
