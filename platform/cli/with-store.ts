import type { PostgresStore } from '@millrace/engine'
import { openStore } from './project.ts'

/** Opens the run store of a command for as long as it is used. */
export async function withStore<T>(
  { database }: { readonly database?: string },
  use: (store: PostgresStore) => Promise<T>,
): Promise<T> {
  const { store, close } = await openStore(database)
  try {
    return await use(store)
  } finally {
    await close()
  }
}
