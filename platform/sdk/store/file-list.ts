import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './file-errors.ts'
import { TEMPORARY } from './path.ts'
import type { StoreEntry } from './store.ts'

/** Files whose size is asked for at once. */
const PAGE = 128

/**
 * Files of `folder` whose path starts with `prefix`, in order of path; the names of one folder (and of those above it)
 * are in memory at a time. Links to files count; links to folders do not, so there are no loops.
 */
export function listFiles(folder: string, prefix: string): AsyncGenerator<StoreEntry> {
  return filesBelow(folder, ...splitPrefix(prefix))
}

/** The folder part of a prefix, with its "/", and the start of a name in it. */
export function splitPrefix(prefix: string): [folder: string, start: string] {
  const end = prefix.lastIndexOf('/') + 1
  return [prefix.slice(0, end), prefix.slice(end)]
}

/** What is in a folder, in no order; nothing where there is no folder. */
export async function entriesIn(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

async function* filesBelow(folder: string, path: string, start: string): AsyncGenerator<StoreEntry> {
  const here = join(folder, path)
  const found: string[] = []
  for (const entry of await entriesIn(here)) {
    if (!entry.name.startsWith(start) || TEMPORARY.test(entry.name)) continue
    // A folder sorts as the files in it do: "a-b" comes before "a/c", for "-" comes before "/".
    if (entry.isDirectory()) found.push(`${entry.name}/`)
    else if (entry.isFile() || entry.isSymbolicLink()) found.push(entry.name)
  }
  found.sort(compareBytes)
  for (let next = 0; next < found.length; next += PAGE) {
    const page = found.slice(next, next + PAGE)
    const sizes = await Promise.all(page.map((name) => (name.endsWith('/') ? undefined : sizeOf(join(here, name)))))
    for (const [index, name] of page.entries()) {
      const size = sizes[index]
      if (name.endsWith('/')) yield* filesBelow(folder, path + name, '')
      else if (size !== undefined) yield { path: path + name, size }
    }
  }
}

/** Bytes; undefined for what is no file, or none any more. */
async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const stats = await stat(file)
    return stats.isFile() ? stats.size : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Order of UTF-8 bytes, as object stores have it. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
