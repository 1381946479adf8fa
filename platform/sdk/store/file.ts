import { createReadStream, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, link, open, readFile, rename, rm, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { setImmediate as pause } from 'node:timers/promises'
import { UserError } from '../errors.ts'
import { abortSignal } from '../scope.ts'
import { missing, type Place, type StoreDriver } from './driver.ts'
import { codeOf, explain, isMissing, isShortWrite, isWithoutLinks } from './file-errors.ts'
import { entriesIn, listFiles, splitPrefix } from './file-list.ts'
import { pathOfFileUrl } from './file-url.ts'
import { Folders, makeFolder } from './folders.ts'
import { temporaryName } from './path.ts'
import { watched } from './source.ts'

/** Longest time `writeAll` keeps the thread to itself: timers and heartbeats must not starve. */
const SLICE_MS = 20
const READ_PIECE = 256 * 1024

/** A folder as a store: `file:out`, `file:/data/out`, `file:///data/out`. Objects are its files. */
export function fileDriver({ url, target }: Place): StoreDriver {
  const folder = pathOfFileUrl(`store ${url}`, target)
  const at = (path: string): string => join(folder, path)
  const cannot = (what: string, error: unknown): Error => explain(`store ${url}: cannot ${what}`, error)

  return {
    url,
    folder,

    async write(path, data) {
      const file = at(path)
      const temporary = join(dirname(file), temporaryName())
      const source = watched(data)
      try {
        const handle = await openNew(temporary)
        await handle.writeFile(source.data).finally(() => handle.close())
        await rename(temporary, file)
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {})
        throw source.failed() ? error : cannot(`write ${path}`, error)
      }
    },

    async create(path, data) {
      const file = at(path)
      const temporary = join(dirname(file), temporaryName())
      try {
        const handle = await openNew(temporary)
        await handle.writeFile(data).finally(() => handle.close())
        // A name for a whole file, that is given only where nothing has it.
        await link(temporary, file)
        return true
      } catch (error) {
        if (codeOf(error) === 'EEXIST' && (await this.exists(path))) return false
        if (isWithoutLinks(error)) {
          throw new UserError(`store ${url}: cannot create ${path}: its disk has no hard links; choose another folder`)
        }
        throw cannot(`create ${path}`, error)
      } finally {
        await rm(temporary, { force: true }).catch(() => {})
      }
    },

    async writeAll(entries) {
      const folders = new Folders()
      const signal = abortSignal()
      let count = 0
      let sliceEnd = performance.now() + SLICE_MS
      for (const [path, data] of entries) {
        try {
          writeInPlace(folders, folder + sep + path, data)
        } catch (error) {
          throw cannot(`write ${path}`, error)
        }
        count++
        if (count % 32 === 0 && performance.now() > sliceEnd) {
          await pause()
          signal.throwIfAborted()
          sliceEnd = performance.now() + SLICE_MS
        }
      }
      return count
    },

    async read(path) {
      try {
        return await readFile(at(path))
      } catch (error) {
        throw isMissing(error) ? missing(url, path) : cannot(`read ${path}`, error)
      }
    },

    async *stream(path) {
      try {
        yield* createReadStream(at(path), { highWaterMark: READ_PIECE }) as AsyncIterable<Buffer>
      } catch (error) {
        throw isMissing(error) ? missing(url, path) : cannot(`read ${path}`, error)
      }
    },

    async exists(path) {
      try {
        return (await stat(at(path))).isFile()
      } catch (error) {
        if (isMissing(error)) return false
        throw cannot(`look for ${path}`, error)
      }
    },

    async *list(prefix) {
      try {
        yield* listFiles(folder, prefix)
      } catch (error) {
        throw cannot('list its objects', error)
      }
    },

    async remove(path) {
      try {
        await unlink(at(path))
      } catch (error) {
        if (isMissing(error) || !(await this.exists(path))) return
        throw cannot(`remove ${path}`, error)
      }
    },

    async removeAll(prefix) {
      const [parent, start] = splitPrefix(prefix)
      try {
        for (const { name } of await entriesIn(at(parent))) {
          if (name.startsWith(start)) await rm(join(at(parent), name), { recursive: true, force: true })
        }
        // The folder that is empty now goes too, but never the store's own; where it is not empty, it stays.
        if (parent !== '') await rmdir(at(parent)).catch(() => {})
      } catch (error) {
        throw cannot(`remove ${prefix || 'its objects'}`, error)
      }
    },
  }
}

/** Opens a file that is not there yet, and makes its folder where that is missing. */
async function openNew(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    makeFolder(dirname(file))
    return open(file, 'wx')
  }
}

/** One file of a bulk write. It goes straight to its name: a rename each would cost up to as much as the write. */
function writeInPlace(folders: Folders, file: string, data: string | Uint8Array): void {
  const folder = dirname(file)
  folders.make(folder)
  try {
    writeFileSync(file, data)
  } catch (error) {
    if (isShortWrite(error)) rmSync(file, { force: true })
    if (codeOf(error) !== 'ENOENT' || !folders.forget(folder)) throw error
    writeInPlace(folders, file, data)
  }
}
