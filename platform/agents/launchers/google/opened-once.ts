interface Closable {
  close(): Promise<void>
}

/** Something that is opened at its first use, and once. */
export interface OpenedOnce<T> {
  /** After a failure the next use tries again. */
  get(): Promise<T>
  /** Closes what was opened. */
  close(): Promise<void>
}

export function openedOnce<T extends object>(open: () => Promise<T>): OpenedOnce<T> {
  let opened: Promise<T> | undefined
  return {
    get() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined
        throw error
      })
      return opened
    },
    async close() {
      const found: Partial<Closable> | undefined = await opened?.catch(() => undefined)
      await found?.close?.()
    },
  }
}
