import type { Store } from '@millrace/sdk'
import { branchName } from './branch-slug.ts'
import type { Deployment } from './deployment.ts'
import type { BranchDeployment } from './move.ts'
import { pausedNames } from './pauses.ts'
import { readRelease } from './read-releases.ts'
import type { Release } from './release.ts'
import { readState, type State } from './state.ts'

/** A deployment as it is to be run now. */
export interface EffectiveDeployment extends Deployment {
  /** `hello`, or `hello@feature-x` for one of a branch. */
  readonly name: string
  /** The branch that it is of, as git has it. */
  readonly branch: string | undefined
  /** Where its bundle is: a URL, and below it `FLOW/DIGEST.mjs`. */
  readonly bundles: string
  /** Whether a person paused its schedule. */
  readonly paused: boolean
}

export interface Effective {
  readonly state: State
  /** The current release; undefined before the first. */
  readonly record: Release | undefined
  /** In order of name. */
  readonly deployments: readonly EffectiveDeployment[]
}

/**
 * All that is deployed now: the current release, beside it the flows of branches, and which schedules a person paused.
 * @param before what this gave when it was asked last; then a record that is known is not read again
 */
export async function effectiveDeployments(store: Store, before?: Effective): Promise<Effective> {
  const state = await readState(store, before?.state)
  const known = before && before.state.release === state.release ? before.record : undefined
  const record = known ?? (state.release === undefined ? undefined : await readRelease(store, state.release))
  return { state, record, deployments: layOver(record, state.branches, await pausedNames(store)) }
}

/** Pure: what a release and flows of branches come to. */
export function layOver(
  record: Release | undefined,
  branches: Readonly<Record<string, BranchDeployment>>,
  paused: ReadonlySet<string>,
): EffectiveDeployment[] {
  const released = Object.values(record?.deployments ?? {}).map((each) => ({
    ...each,
    name: each.flow,
    branch: undefined,
    bundles: record?.bundles ?? '',
    paused: paused.has(each.flow),
  }))
  const ofBranches = Object.values(branches).map((each) => ofBranch(each, record))
  return [...released, ...ofBranches].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Account, secrets and worker cluster are those that the flow has in the release; a branch has no schedule. */
function ofBranch(
  { branch, slug, image, bundles, part }: BranchDeployment,
  record: Release | undefined,
): EffectiveDeployment {
  const { secrets, ...own } = part
  const released = record?.deployments[part.flow]
  const start = image ?? record?.images.runtime ?? released?.image
  const { account, store, cluster, secretVersions = {} } = released ?? {}
  const versions = Object.entries(secretVersions).filter(([name]) => secrets.includes(name))
  return {
    ...own,
    name: branchName(part.flow, slug),
    branch,
    bundles,
    ...(start !== undefined && { image: start }),
    ...(account !== undefined && { account }),
    ...(store !== undefined && { store }),
    ...(cluster !== undefined && { cluster }),
    secretVersions: Object.fromEntries(versions),
    paused: false,
  }
}
