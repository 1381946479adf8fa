import { UserError } from '../errors.ts'
import { checkPath, checkPrefix } from './path.ts'
import type { Store, StoreEntry } from './store.ts'

/** Where a driver works. */
export interface Place {
  /** For messages: as the person wrote it, `secret://` references and all. */
  readonly url: string
  /** The same with its references resolved; never part of a message. */
  readonly target: string
}

/** One kind of store. Its paths have been checked; {@link asStore} makes the rest of a {@link Store} of it. */
export interface StoreDriver {
  readonly url: string
  readonly folder?: string
  write(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  /** @returns whether it was written: false where there is an object already */
  create(path: string, data: string | Uint8Array): Promise<boolean>
  writeAll(entries: Iterable<readonly [path: string, data: string | Uint8Array]>): Promise<number>
  read(path: string): Promise<Uint8Array>
  stream(path: string): AsyncIterable<Uint8Array>
  exists(path: string): Promise<boolean>
  list(prefix: string): AsyncIterable<StoreEntry>
  remove(path: string): Promise<void>
  removeAll(prefix: string): Promise<void>
}

/** A store of a driver: checks every path, and reads and writes text and JSON. */
export function asStore(driver: StoreDriver): Store {
  const { url } = driver
  const path = (path: string): string => checkPath(url, path)
  const prefix = (prefix: string): string => checkPrefix(url, prefix)
  function* checked<T extends readonly [string, unknown]>(entries: Iterable<T>): Generator<T> {
    for (const entry of entries) {
      checkPath(url, entry[0])
      yield entry
    }
  }
  const readText = async (name: string): Promise<string> => new TextDecoder().decode(await driver.read(path(name)))
  return {
    url,
    folder: driver.folder,
    write: async (name, data) => driver.write(path(name), data),
    writeJson: async (name, value) => {
      const text = JSON.stringify(value)
      if (text === undefined) throw new UserError(`store ${url}: ${name}: ${typeof value} cannot be written as JSON`)
      await driver.write(path(name), text)
    },
    create: async (name, data) => {
      if (await driver.create(path(name), data)) return true
      // It may be ours: of a try that worked, and whose answer was lost.
      return Buffer.from(data as Uint8Array).equals(await driver.read(name))
    },
    writeAll: async (entries) => driver.writeAll(checked(entries)),
    read: async (name) => driver.read(path(name)),
    readText,
    readJson: async (name) => {
      const text = await readText(name)
      try {
        return JSON.parse(text)
      } catch (error) {
        throw new UserError(`store ${url}: ${name} is not JSON: ${(error as Error).message}`)
      }
    },
    stream: (name) => driver.stream(path(name)),
    exists: async (name) => driver.exists(path(name)),
    list: (start = '') => driver.list(prefix(start)),
    remove: async (name) => driver.remove(path(name)),
    removeAll: async (start) => driver.removeAll(prefix(start)),
  }
}

/** The error of a read that found nothing. */
export function missing(url: string, path: string): UserError {
  return new UserError(`store ${url}: there is no ${path}`)
}
