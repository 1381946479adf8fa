import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type FlowRun, PostgresStore, projectRoot, type RunStore } from '@millrace/engine'
import { UserError } from '@millrace/sdk'

/** The project that the command was called in. */
export const root = projectRoot()

/** Where the local platform keeps its database. */
export const localDatabase = join(root, '.millrace', 'postgres')

/** A run store, and what was started for it. */
export interface OpenStore {
  readonly store: PostgresStore
  readonly url: string
  close(): Promise<void>
}

/**
 * Opens the run store at a URL; "local", or nothing, is the local platform's database, which is started if it is there
 * but does not run.
 * @throws UserError when there is none
 */
export async function openStore(
  url: string | undefined,
  options: { create?: boolean; onAway?: (message: string) => void } = {},
): Promise<OpenStore> {
  const { onAway, create = false } = options
  const away = onAway ? { onAway } : {}
  if (url !== undefined && url !== 'local') {
    const store = await PostgresStore.open(url, away)
    return { store, url, close: () => store.close() }
  }
  if (!create && !existsSync(localDatabase)) {
    throw new UserError(
      'there is no database here yet',
      'Start the local platform with "millrace start", or set MILLRACE_DATABASE to the URL of a Postgres.',
    )
  }
  const { startEmbeddedPostgres } = await import('@millrace/engine/embedded')
  const embedded = await startEmbeddedPostgres({ dir: localDatabase })
  try {
    const store = await PostgresStore.open(embedded.url, away)
    return {
      store,
      url: embedded.url,
      close: async () => {
        await store.close()
        await embedded.stop()
      },
    }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}

/** Reads a count given on the command line. @throws UserError */
export function count(text: string, option: string, least = 1): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least) {
    throw new UserError(`${option}: expected a whole number, ${least} or more, got "${text}"`)
  }
  return value
}

/**
 * The run that a person means: by id, by the beginning of it, or `latest`.
 * @throws UserError when there is none
 */
export async function findRun(store: RunStore, id: string): Promise<FlowRun> {
  const run = id === 'latest' ? (await store.listRuns({ limit: 1 })).runs[0] : await store.findRun(id)
  if (!run)
    throw new UserError(
      id === 'latest' ? 'there is no run yet' : `there is no run ${id}`,
      'List them with: millrace runs',
    )
  return run
}
