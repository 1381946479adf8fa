import { resolve } from 'node:path'
import { store, UserError } from '@millrace/sdk'

/** One input file, where DuckDB can read it. */
export interface InputPath {
  /** As the person wrote it, for messages. */
  readonly name: string
  /** Absolute; below the scratch folder where `inScratch`. */
  readonly path: string
  readonly inScratch: boolean
}

/** String-valued companions of data files, by their name. */
const TEXT_FILE = /_str(.[0-9]+)?.parquet.gzip$/

/**
 * The files that hold numbers.
 * @throws UserError when there are none
 */
export function numericPaths(paths: readonly string[]): string[] {
  if (paths.length === 0) {
    throw new UserError('datacube: parameter data_paths: No parquet files provided')
  }
  const numeric = paths.filter((path) => !TEXT_FILE.test(withoutQuery(path)))
  if (numeric.length === 0) {
    throw new UserError(
      'datacube: parameter data_paths: No numeric parquet files',
      'Files whose name ends in _str.parquet.gzip hold text, and are left out.',
    )
  }
  return numeric
}

/** The part of a URL that may be shown: a signature or a password is not. */
function withoutQuery(path: string): string {
  return /^https?:/i.test(path) ? path.replace(/[?#].*$/s, '').replace(/^(https?:\/\/)[^/]*@/i, '$1') : path
}

/** Where a path leads: to this machine, or away from it. */
export type Place =
  | { readonly kind: 'local'; readonly name: string; readonly path: string }
  | { readonly kind: 'remote'; readonly name: string; readonly url: string }

/**
 * Reads a data path; relative ones start in the working folder.
 * @throws UserError when its scheme is unknown
 */
export function placeOf(path: string): Place {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(path)?.[1]?.toLowerCase()
  switch (scheme) {
    case undefined:
      return { kind: 'local', name: path, path: resolve(path) }
    case 'file':
      return { kind: 'local', name: path, path: store(path).folder ?? resolve(path) }
    case 'http':
    case 'https':
    case 'gs':
    case 's3':
      return { kind: 'remote', name: withoutQuery(path), url: path }
    default:
      throw new UserError(
        `datacube: parameter data_paths: ${path}: there are no ${scheme}: files`,
        'Expected a path, or a file:, https:, gs: or s3: URL.',
      )
  }
}

/** Letters that DuckDB would take for a pattern of several files. */
export const PATTERN = /[*?[\]{}]/
