/** One object below a store. */
export interface StoreEntry {
  /** Relative to the store, with "/" between parts. */
  readonly path: string
  /** Bytes. */
  readonly size: number
}

/**
 * A place for objects under one URL. Paths are relative to it, with "/" between parts; they may not leave it.
 * A write is whole or not there: nobody ever reads half of one.
 */
export interface Store {
  /** As it was given, without a trailing "/". */
  readonly url: string
  /** The folder, where the store is one (`file:`). */
  readonly folder: string | undefined
  write(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  writeJson(path: string, value: unknown): Promise<void>
  /** Writes many small objects, as fast as the store allows. @returns how many */
  writeAll(entries: Iterable<readonly [path: string, data: string | Uint8Array]>): Promise<number>
  /** @throws UserError when there is no such object */
  read(path: string): Promise<Uint8Array>
  readText(path: string): Promise<string>
  readJson(path: string): Promise<unknown>
  /** The object's bytes, piece by piece. @throws UserError when there is no such object */
  stream(path: string): AsyncIterable<Uint8Array>
  exists(path: string): Promise<boolean>
  /** All objects whose path starts with `prefix`, in order of path. */
  list(prefix?: string): AsyncIterable<StoreEntry>
  /** Nothing happens when there is no such object. */
  remove(path: string): Promise<void>
  /** Removes all objects whose path starts with `prefix`. */
  removeAll(prefix: string): Promise<void>
}

/**
 * Opens the place a URL names: `file:out` (relative to the working folder) or `file:///data/out`,
 * `gs://bucket/prefix`, `s3://bucket/prefix`, `null:` (takes everything, keeps nothing).
 * Clients are loaded when first used; credentials are those of the machine (`secret://` references may stand in the URL).
 * @throws UserError when the URL is none of these
 */
export function store(url: string): Store {
  throw new Error(`not yet: ${url}`)
}
