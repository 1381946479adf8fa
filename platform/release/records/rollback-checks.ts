import { store, UserError } from '@millrace/sdk'
import { allOrMistake } from '../all-or-mistake.ts'
import { bundlePath } from './put-bundle.ts'
import type { Release } from './release.ts'
import type { SecretVersions } from './secret-versions.ts'

/* What a release needs to be what it was: whether it is still there is asked before a rollback. */

const AT_ONCE = 32

/** @throws UserError when a bundle of a release is gone */
export async function checkBundles(id: string, { bundles, deployments }: Release): Promise<void> {
  const place = store(bundles)
  const found = await allOrMistake(
    Object.values(deployments),
    async ({ flow, bundle }) => ({ flow, bundle, isThere: await place.exists(bundlePath(flow, bundle)) }),
    AT_ONCE,
  )
  const gone = found.filter(({ isThere }) => !isThere).map(({ flow, bundle }) => bundlePath(flow, bundle))
  if (gone.length === 0) return
  const what = gone.length === 1 ? 'a bundle of it is' : `${gone.length} bundles of it are`
  throw new UserError(`cannot go back to ${id}: ${what} gone from ${bundles}: ${gone.join(', ')}`)
}

/**
 * Flows of a release whose service account is gone.
 * @param up what `up` made last: accounts are as that says, whatever is current
 */
export function lostAccounts(record: Release, up: Release | undefined): string[] {
  const there = new Set(Object.values(up?.deployments ?? {}).map(({ account }) => account))
  const lost = Object.values(record.deployments).filter(({ account }) => account !== undefined && !there.has(account))
  return up ? lost.map(({ flow }) => flow) : []
}

/**
 * Versions that the release reads, that are kept, but disabled. Those that the current release reads are in use.
 * @throws UserError when one is no longer there
 */
export async function disabledVersions(
  id: string,
  old: Release,
  record: Release,
  secrets: SecretVersions,
): Promise<string[]> {
  const inUse = new Set(versionsIn(old))
  const wanted = [...new Set(versionsIn(record))].filter((version) => !inUse.has(version)).sort()
  const states = await allOrMistake(
    wanted,
    async (version) => ({ version, state: await secrets.stateOf(version) }),
    AT_ONCE,
  )
  const gone = states.filter(({ state }) => state !== 'ENABLED' && state !== 'DISABLED').map(({ version }) => version)
  if (gone.length > 0) {
    const what = gone.length === 1 ? 'a version of a secret that it reads is' : 'versions of secrets that it reads are'
    throw new UserError(
      `cannot go back to ${id}: ${what} no longer kept: ${gone.join(', ')}`,
      'Deploy its commit again: then it reads the versions of today.',
    )
  }
  return states.filter(({ state }) => state === 'DISABLED').map(({ version }) => version)
}

function versionsIn({ deployments }: Release): string[] {
  return Object.values(deployments).flatMap(({ secretVersions }) => Object.values(secretVersions))
}
