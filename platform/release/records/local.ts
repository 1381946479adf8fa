import { join } from 'node:path'

/** Where the local platform keeps the records of its releases: a URL. */
export function localRecords(root: string): string {
  return urlOf(join(root, '.millrace', 'releases'))
}

/** Where it keeps bundles. */
export function localBundles(root: string): string {
  return urlOf(join(root, '.millrace', 'bundles'))
}

function urlOf(folder: string): string {
  return `file:${folder.replaceAll('%', '%25')}`
}
