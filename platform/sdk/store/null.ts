import { missing, type Place, type StoreDriver } from './driver.ts'

/** `null:` takes everything and keeps nothing: for trying a flow out, and for measuring it without its output. */
export function nullDriver({ url }: Place): StoreDriver {
  const nothing = async function* <T>(): AsyncGenerator<T> {}
  return {
    url,
    async write(_path, data) {
      if (typeof data === 'string' || data instanceof Uint8Array) return
      for await (const _ of data);
    },
    create: async () => true,
    async writeAll(entries) {
      let count = 0
      for (const _ of entries) count++
      return count
    },
    async read(path) {
      throw missing(url, path)
    },
    async *stream(path) {
      yield await this.read(path)
    },
    exists: async () => false,
    list: () => nothing(),
    remove: async () => {},
    removeAll: async () => {},
  }
}
