import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { store } from '@millrace/sdk'

/**
 * Files that tasks hand on to each other, below the run's scratch URL. DuckDB reads and writes local files only:
 * where scratch is a folder that is what it works on, else copies in a temporary folder, gone when the task ends.
 */
export interface Scratch {
  /** Folder for what does not fit in memory. */
  readonly spill: string
  /** A local path to read the file at. */
  read(path: string): Promise<string>
  /** Has `make` write a file at a local path; nobody sees it before it is whole. */
  write(path: string, make: (local: string) => Promise<void>): Promise<void>
  /** Puts a file of this machine there without copying it, where possible. */
  link(path: string, target: string): Promise<void>
}

/** Runs `body` with the scratch files below `url`. */
export async function withScratch<T>(url: string, body: (scratch: Scratch) => Promise<T>): Promise<T> {
  const { folder } = store(url)
  if (folder !== undefined) return body(folderScratch(folder))
  const temporary = await mkdtemp(join(tmpdir(), 'millrace-datacube-'))
  try {
    return await body(remoteScratch(url, temporary))
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

function folderScratch(folder: string): Scratch {
  return {
    spill: folder,
    read: async (path) => join(folder, path),
    write: async (path, make) => {
      const final = join(folder, path)
      const part = `${final}.${randomBytes(6).toString('hex')}.part`
      await mkdir(dirname(final), { recursive: true })
      try {
        await make(part)
        await rename(part, final)
      } catch (error) {
        await rm(part, { force: true })
        throw error
      }
    },
    link: async (path, target) => {
      const final = join(folder, path)
      await mkdir(dirname(final), { recursive: true })
      await rm(final, { force: true })
      await symlink(target, final)
    },
  }
}

function remoteScratch(url: string, temporary: string): Scratch {
  const remote = store(url)
  const local = async (path: string): Promise<string> => {
    const file = join(temporary, path)
    await mkdir(dirname(file), { recursive: true })
    return file
  }
  const upload = (path: string, file: string): Promise<void> => remote.write(path, createReadStream(file))
  return {
    spill: temporary,
    read: async (path) => {
      const file = await local(path)
      await pipeline(Readable.from(remote.stream(path)), createWriteStream(file))
      return file
    },
    write: async (path, make) => {
      const file = await local(path)
      await make(file)
      await upload(path, file)
      await rm(file, { force: true })
    },
    link: upload,
  }
}
