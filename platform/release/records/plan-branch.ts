import { branchName, branchSlug } from './branch-slug.ts'
import { compareDeployments, compareFields, type DeploymentChange } from './compare-releases.ts'
import { chosenFlows, type DeployInput, leftOut, nextDeployment } from './deploy-input.ts'
import { type BranchPart, branchPartOf } from './deployment.ts'
import type { BranchDeployment } from './move.ts'

/** Flows of a checkout beside the release, under the name of a branch. */
export interface BranchPlan {
  /** All of all branches. */
  readonly branches: Readonly<Record<string, BranchDeployment>>
  readonly changes: readonly DeploymentChange[]
  readonly left: readonly string[]
}

export interface BranchInput extends DeployInput {
  readonly branch: string
  /** In place of the runtime image. */
  readonly image: string | undefined
  /** Those that are deployed. */
  readonly branches: Readonly<Record<string, BranchDeployment>>
  readonly by: string
  readonly at: string
}

/**
 * Pure: what comes of deploying flows of this checkout under the name of a branch. Where none is named, those that
 * differ from the release, and those that the branch has deployed before.
 * @throws UserError when a flow needs what only `up` makes
 */
export function planBranch(input: BranchInput): BranchPlan {
  const { base, names, only, branch, branches } = input
  const slug = branchSlug(branch, new Map(Object.values(branches).map((each) => [each.slug, each.branch])))
  const next = chosenFlows(input).flatMap((flow) => {
    const part = branchPartOf(nextDeployment(input, flow))
    const [before, released] = [branches[branchName(part.flow, slug)], base?.deployments[part.flow]]
    const isWanted = only || before || !released || differs(part, branchPartOf(released))
    return isWanted ? [asBranchDeployment(input, slug, part, before)] : []
  })
  const isGone = ({ part, ...each }: BranchDeployment): boolean =>
    each.branch === branch && !names.includes(part.flow) && (only?.includes(part.flow) ?? true)
  const kept = Object.entries(branches).filter(([, each]) => !isGone(each))
  const after = { ...Object.fromEntries(kept), ...Object.fromEntries(next.map((each) => [nameOf(each), each])) }
  const shown = (all: BranchInput['branches']): Record<string, object> =>
    Object.fromEntries(Object.entries(all).map(([name, each]) => [name, whatItIs(each)]))
  return { branches: after, changes: compareDeployments(shown(branches), shown(after)), left: leftOut(input) }
}

/** What was deployed stays as it was, with who did it and when, where it would be the same. */
function asBranchDeployment(
  { branch, image, bundles, commit, by, at }: BranchInput,
  slug: string,
  part: BranchPart,
  before: BranchDeployment | undefined,
): BranchDeployment {
  const now = { branch, slug, at, by, bundles, part, ...(commit && { commit }), ...(image !== undefined && { image }) }
  return before && !differs(whatItIs(before), whatItIs(now)) ? before : now
}

function whatItIs({ part, image, bundles }: BranchDeployment): object {
  return { ...part, image, bundles }
}

function nameOf({ part, slug }: BranchDeployment): string {
  return branchName(part.flow, slug)
}

function differs(a: object, b: object): boolean {
  return compareFields(a, b).length > 0
}
