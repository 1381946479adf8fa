import { UserError } from '../errors.ts'
import { resolveSecrets } from '../secret.ts'
import { asStore } from './driver.ts'
import { fileDriver } from './file.ts'
import { gcsDriver } from './gcs.ts'
import { nullDriver } from './null.ts'
import { type S3Options, s3Driver } from './s3.ts'

/** One object below a store. */
export interface StoreEntry {
  /** Relative to the store, with "/" between parts. */
  readonly path: string
  /** Bytes. */
  readonly size: number
}

/**
 * A place for objects under one URL. Paths are relative to it, with "/" between parts; they may not leave it.
 * A write is whole or not there: nobody ever reads half of one. ({@link Store.writeAll} promises a little less.)
 */
export interface Store {
  /** As it was given, without a trailing "/". */
  readonly url: string
  /** The folder, where the store is one (`file:`). */
  readonly folder: string | undefined
  /** Replaces what was there. A stream of any length passes through without being held in memory. */
  write(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  writeJson(path: string, value: unknown): Promise<void>
  /**
   * Writes unless there is an object already: of several writers at once, one wins.
   * @returns whether what is there now is `data`; also when it was there before, so that a try may be repeated
   */
  create(path: string, data: string | Uint8Array): Promise<boolean>
  /**
   * Writes many small objects, as fast as the store allows. When it comes back, all of them are there and whole.
   * While it runs, and where it fails or its process is killed, any of them may be missing; in a `file:` store, one
   * file per caller may then be short too, for bulk files are written under their own names. Repeating the call
   * mends both, so call it from a task and let readers wait for that task.
   * @returns how many
   */
  writeAll(entries: Iterable<readonly [path: string, data: string | Uint8Array]>): Promise<number>
  /** @throws UserError when there is no such object */
  read(path: string): Promise<Uint8Array>
  readText(path: string): Promise<string>
  readJson(path: string): Promise<unknown>
  /** The object's bytes, piece by piece. @throws UserError when there is no such object */
  stream(path: string): AsyncIterable<Uint8Array>
  exists(path: string): Promise<boolean>
  /** All objects whose path starts with `prefix`, in order of path (by UTF-8 bytes), a page at a time. */
  list(prefix?: string): AsyncIterable<StoreEntry>
  /** Nothing happens when there is no such object. */
  remove(path: string): Promise<void>
  /** Removes all objects whose path starts with `prefix`; all of the store with `''`. */
  removeAll(prefix: string): Promise<void>
}

/** What a store needs beyond its URL and the machine's own credentials. */
export interface StoreOptions {
  s3?: S3Options
}

/**
 * Opens the place a URL names: `file:out` (relative to the working folder) or `file:///data/out`,
 * `gs://bucket/prefix`, `s3://bucket/prefix`, `null:` (takes everything, keeps nothing).
 * Clients are loaded when first used; credentials are those of the machine (`secret://` references may stand in the URL).
 * @throws UserError when the URL is none of these
 */
export function store(url: string, options: StoreOptions = {}): Store {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(url)?.[1]?.toLowerCase()
  // Messages show the URL as it was written; what its references stand for is only ever used.
  const place = { url: withoutTrailingSlash(url), target: withoutTrailingSlash(resolveSecrets(url)) }
  switch (scheme) {
    case 'file':
      return asStore(fileDriver(place))
    case 'gs':
      return asStore(gcsDriver(place))
    case 's3':
      return asStore(s3Driver(place, options.s3))
    case 'null':
      return asStore(nullDriver(place))
    case undefined:
      throw new UserError(`store "${url}": expected a URL`, `A folder is written file:${url || 'out'}.`)
    default:
      throw new UserError(`store "${url}": there is no store for ${scheme}:`, 'There are file:, gs:, s3: and null:.')
  }
}

function withoutTrailingSlash(url: string): string {
  return url.replace(/([^:/])\/+$/, '$1')
}
