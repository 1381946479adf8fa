import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

/** More than anybody reads. */
const MOST_BYTES = 1_000_000

/**
 * A text out of an artifact, whose maker may be a stranger: only a plain file that lies there itself, and not a huge one.
 * @param {string} folder of artifacts
 * @param {string[]} parts of the path in it
 * @returns {string | undefined} nothing when there is no such file
 */
export function readText(folder, ...parts) {
  const path = join(folder, ...parts)
  const stat = lstatSync(path, { throwIfNoEntry: false })
  // A link could lead to a file of the machine that holds something secret.
  if (!stat?.isFile() || realpathSync(path) !== join(realpathSync(folder), ...parts)) return undefined
  return stat.size > MOST_BYTES ? `(${stat.size} bytes: too long to show)` : readFileSync(path, 'utf8')
}
