import { randomBytes } from 'node:crypto'
import { createReadStream, type Dirent, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { setImmediate as pause } from 'node:timers/promises'
import { UserError } from '../errors.ts'
import { missing, type Place, type StoreDriver } from './driver.ts'
import { pathOfFileUrl } from './file-url.ts'
import { TEMPORARY } from './path.ts'
import { watched } from './source.ts'
import type { StoreEntry } from './store.ts'

/** Longest time `writeAll` keeps the thread to itself: timers and heartbeats must not starve. */
const SLICE_MS = 20
/** Files whose size is asked for at once while listing. */
const STATS_AT_ONCE = 128
/** Folders `writeAll` remembers having made: bounds its memory. */
const FOLDERS_KNOWN = 100_000

/** A folder as a store: `file:out`, `file:/data/out`, `file:///data/out`. Objects are its files. */
export function fileDriver({ url, target }: Place): StoreDriver {
  const folder = pathOfFileUrl(`store ${url}`, target)
  const at = (path: string): string => join(folder, path)

  const fail = (what: string, error: unknown): Error => explain(error, `store ${url}: cannot ${what}`)

  return {
    url,
    folder,

    async write(path, data) {
      const final = at(path)
      const temporary = join(dirname(final), `.millrace-${randomBytes(8).toString('hex')}.part`)
      const source = watched(data)
      try {
        const handle = await openNew(temporary)
        try {
          await handle.writeFile(source.data)
        } finally {
          await handle.close()
        }
        await rename(temporary, final)
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {})
        throw source.failed() ? error : fail(`write ${path}`, error)
      }
    },

    async writeAll(entries) {
      const folders = new FolderMaker()
      let count = 0
      let sliceEnd = performance.now() + SLICE_MS
      for (const [path, data] of entries) {
        const file = folder + sep + path
        try {
          folders.make(file.slice(0, Math.max(file.lastIndexOf('/'), folder.length)))
          writeFileSync(file, data)
        } catch (error) {
          if (isShortWrite(error)) rmSync(file, { force: true })
          throw fail(`write ${path}`, error)
        }
        count++
        if ((count & 31) === 0 && performance.now() > sliceEnd) {
          await pause()
          sliceEnd = performance.now() + SLICE_MS
        }
      }
      return count
    },

    async read(path) {
      try {
        return await readFile(at(path))
      } catch (error) {
        throw isMissing(error) ? missing(url, path) : fail(`read ${path}`, error)
      }
    },

    async *stream(path) {
      try {
        for await (const chunk of createReadStream(at(path), { highWaterMark: 256 * 1024 })) yield chunk as Buffer
      } catch (error) {
        throw isMissing(error) ? missing(url, path) : fail(`read ${path}`, error)
      }
    },

    async exists(path) {
      try {
        return (await stat(at(path))).isFile()
      } catch (error) {
        if (isMissing(error)) return false
        throw fail(`look for ${path}`, error)
      }
    },

    async *list(prefix) {
      const [start, rest] = splitPrefix(prefix)
      try {
        yield* filesBelow(folder, start, rest)
      } catch (error) {
        throw fail('list', error)
      }
    },

    async remove(path) {
      try {
        await unlink(at(path))
      } catch (error) {
        if (!isMissing(error) && !isFolder(error)) throw fail(`remove ${path}`, error)
      }
    },

    async removeAll(prefix) {
      const [start, rest] = splitPrefix(prefix)
      const parent = at(start)
      try {
        for (const { name } of await entriesIn(parent)) {
          if (name.startsWith(rest)) await rm(join(parent, name), { recursive: true, force: true })
        }
        if (start !== '') await rmdir(parent).catch(() => {})
      } catch (error) {
        throw fail(`remove ${prefix}`, error)
      }
    },
  }
}

/** Files below `folder/start` whose next part starts with `rest`, in order of path; one folder in memory at a time. */
async function* filesBelow(folder: string, start: string, rest: string): AsyncGenerator<StoreEntry> {
  const parent = join(folder, start)
  // A folder sorts as its files do: "a-b" comes before "a/c", for "-" comes before "/".
  const found: { key: string; isFolder: boolean }[] = []
  for (const entry of await entriesIn(parent)) {
    if (!entry.name.startsWith(rest) || TEMPORARY.test(entry.name)) continue
    if (entry.isDirectory()) found.push({ key: `${entry.name}/`, isFolder: true })
    else if (entry.isFile() || entry.isSymbolicLink()) found.push({ key: entry.name, isFolder: false })
  }
  found.sort((a, b) => compareBytes(a.key, b.key))
  for (let next = 0; next < found.length; ) {
    const page = found.slice(next, next + STATS_AT_ONCE)
    next += page.length
    const sizes = await Promise.all(page.map((item) => (item.isFolder ? undefined : sizeOf(join(parent, item.key)))))
    for (const [index, { key, isFolder }] of page.entries()) {
      const size = sizes[index]
      if (isFolder) yield* filesBelow(folder, start + key, '')
      else if (size !== undefined) yield { path: start + key, size }
    }
  }
}

async function entriesIn(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Bytes; undefined for what is no file (any more). Links to files count, links to folders do not: no loops. */
async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const stats = await stat(file)
    return stats.isFile() ? stats.size : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function splitPrefix(prefix: string): [folder: string, rest: string] {
  const end = prefix.lastIndexOf('/') + 1
  return [prefix.slice(0, end), prefix.slice(end)]
}

/** Order of UTF-8 bytes, which is that of code points; JavaScript's own differs beyond U+FFFF. */
function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** Opens a file that is not there yet, and makes its folder where it is missing. */
async function openNew(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await mkdir(dirname(file), { recursive: true })
    return open(file, 'wx')
  }
}

/** Makes folders, each once. */
class FolderMaker {
  private readonly made = new Set<string>()

  make(folder: string): void {
    if (this.made.has(folder)) return
    mkdirSync(folder, { recursive: true })
    if (this.made.size >= FOLDERS_KNOWN) this.made.clear()
    this.made.add(folder)
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

/** Nothing there: also where a part of the path is a file, or all of it a folder. */
function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(codeOf(error) ?? '')
}

/** What `unlink` says of a folder; macOS says EPERM. */
function isFolder(error: unknown): boolean {
  return codeOf(error) === 'EPERM'
}

/** The file was opened, so the old one is gone, and the new one did not fit. */
function isShortWrite(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'].includes(codeOf(error) ?? '')
}

const IN_THE_WAY = 'a part of its path is an object already, and in a folder nothing can be below a file'

const WORDS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  ENAMETOOLONG: 'a part of its path is too long for the disk',
  ENOENT: 'its folder cannot be made',
  ENOTDIR: IN_THE_WAY,
  EEXIST: IN_THE_WAY,
  EISDIR: 'there are objects below it, so it is a folder',
}

/** One line for what a person can mend. System messages name the whole path, which may hold a secret: only the code stays. */
function explain(error: unknown, what: string): Error {
  const code = codeOf(error)
  if (code === undefined) return error instanceof Error ? error : new Error(String(error))
  const words = WORDS[code]
  return words ? new UserError(`${what}: ${words} (${code})`) : new Error(`${what}: ${code}`)
}
