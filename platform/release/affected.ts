import { type BundleState, bundleStates } from './bundle/bundle-state.ts'
import { withCheckout } from './checkout.ts'

/** A flow whose bundle is another than it was. */
export interface AffectedFlow {
  readonly flow: string
  readonly change: 'new' | 'changed' | 'removed'
  /** Digests. */
  readonly from: string | undefined
  readonly to: string | undefined
  /** The files of ours that make the difference, by their path in the project. */
  readonly files: readonly Difference[]
  /** The same of packages: versions that package-lock.json sets down. */
  readonly packages: readonly Difference[]
  /** Why nothing is known of it as it was. */
  readonly fault: string | undefined
}

export interface Difference {
  readonly name: string
  readonly change: 'new' | 'changed' | 'removed'
  /** SHA-256 of a file, version of a package. */
  readonly from: string | undefined
  readonly to: string | undefined
}

/**
 * The flows whose bundles are others than they were at a commit, and why. Both are made by the Millrace and with the
 * packages that are here; a package for which package-lock.json had another version counts as a difference of the flows
 * that use it.
 * @param ref a commit, tag or branch
 * @throws UserError when there is no such commit, or a flow does not compile as it is now
 */
export async function affectedFlows(
  root: string,
  ref: string,
  signal?: AbortSignal,
): Promise<{ readonly commit: string; readonly flows: readonly AffectedFlow[] }> {
  // Not at once: what is wrong here need not wait for a checkout.
  const after = await bundleStates(root)
  const mistake = [...after.values()].find(({ fault }) => fault !== undefined)?.fault
  if (mistake) throw mistake
  const look = async (checkout: { root: string; commit: string }) => ({
    commit: checkout.commit,
    before: await bundleStates(checkout.root),
  })
  const { commit, before } = await withCheckout(root, ref, look, signal)
  return { commit, flows: compareStates(before, after) }
}

/** Pure: what differs between two states of a project's bundles. */
export function compareStates(
  before: ReadonlyMap<string, BundleState>,
  after: ReadonlyMap<string, BundleState>,
): AffectedFlow[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names.flatMap((flow) => {
    const [old, now] = [before.get(flow), after.get(flow)]
    const [from, to] = [old?.digest, now?.digest]
    const packages = old && now ? differences(old.packages, now.packages) : []
    if (old && now && from === to && packages.length === 0) return []
    const files = old?.digest && now ? differences(old.files, now.files) : []
    return [{ flow, change: changeOf(old, now), from, to, files, packages, fault: old?.fault?.message }]
  })
}

function differences(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Difference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  return names.flatMap((name) => {
    const [from, to] = [before.get(name), after.get(name)]
    return from === to ? [] : [{ name, change: changeOf(from, to), from, to }]
  })
}

function changeOf(before: unknown, after: unknown): Difference['change'] {
  if (before === undefined) return 'new'
  return after === undefined ? 'removed' : 'changed'
}
