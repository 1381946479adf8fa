import { type Store, UserError } from '@millrace/sdk'
import { allOrMistake } from '../all-or-mistake.ts'
import { nameIn, RELEASES, releasePath } from './layout.ts'
import { checkObject } from './read-object.ts'
import { isRecordOf, RELEASE_ID, type Release, recordText, release, releaseId } from './release.ts'

/** Records that are read at once. */
const AT_ONCE = 32

/**
 * Reads the record of a release.
 * @throws UserError when there is none, or it is not what its name says
 */
export async function readRelease(store: Store, id: string): Promise<Release> {
  const path = releasePath(id)
  if (!RELEASE_ID.test(id) || !(await store.exists(path))) throw noRelease(store, id)
  const text = await store.readText(path)
  if (!isRecordOf(id, text)) {
    throw new UserError(
      `store ${store.url}: ${path} is not what its name says: somebody has changed it`,
      'Where the bucket keeps versions, bring the first one back.',
    )
  }
  return checkObject(store, path, release, JSON.parse(text))
}

/** Writes the record of a release that was made now. @returns its id */
export async function writeRelease(store: Store, record: Release, now: Date): Promise<string> {
  const id = releaseId(record, now)
  if (await store.create(releasePath(id), recordText(record))) return id
  throw new Error(`store ${store.url}: there is another release called ${id}`)
}

/** Ids of all releases, newest first. */
export async function releaseIds(store: Store): Promise<string[]> {
  const entries = await Array.fromAsync(store.list(RELEASES))
  return entries
    .map(({ path }) => nameIn(path))
    .filter((id) => RELEASE_ID.test(id))
    .reverse()
}

/**
 * A page of releases, newest first.
 * @param after the last id of the page before
 * @returns `next`: what is `after` for the next page; undefined when there is none
 */
export async function listReleases(
  store: Store,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<{ readonly releases: readonly { id: string; record: Release }[]; readonly next: string | undefined }> {
  const ids = (await releaseIds(store)).filter((id) => after === undefined || id < after)
  const page = ids.slice(0, limit)
  const releases = await allOrMistake(page, async (id) => ({ id, record: await readRelease(store, id) }), AT_ONCE)
  return { releases, next: ids.length > limit ? page.at(-1) : undefined }
}

/**
 * The release that a person means: by its id, the beginning of it, or its last part.
 * @throws UserError when there is none, or several
 */
export async function findReleaseId(store: Store, text: string): Promise<string> {
  const ids = await releaseIds(store)
  const found = ids.includes(text) ? [text] : ids.filter((id) => id.startsWith(text) || id.endsWith(`-${text}`))
  const [id, ...others] = found
  if (id === undefined || text === '') throw noRelease(store, text)
  if (others.length > 0) {
    throw new UserError(`"${text}" is the beginning of ${found.length} releases; write more of it`, found.join('\n'))
  }
  return id
}

function noRelease(store: Store, id: string): UserError {
  return new UserError(`there is no release "${id}" in ${store.url}`, 'List them with: millrace releases')
}
