import { compareDeployments, type DeploymentChange } from './compare-releases.ts'
import { chosenFlows, type DeployInput, leftOut, nextDeployment } from './deploy-input.ts'
import { type Release, releaseRecord } from './release.ts'

/** Flows of a checkout as a release of their stack. */
export interface ReleasePlan {
  readonly record: Release
  readonly changes: readonly DeploymentChange[]
  /** Flows that only `up` can bring into the stack. */
  readonly left: readonly string[]
}

/**
 * Pure: the release that comes of laying flows of this checkout over the current one. Bundles, and what flows say of
 * themselves, are new; what only `up` makes (accounts, secrets, images, worker clusters) stays.
 * @throws UserError when a flow needs what only `up` makes
 */
export function planRelease(input: DeployInput): ReleasePlan {
  const { base, names, only, bundles, commit, settings } = input
  const before = base?.deployments ?? {}
  const next = new Map(chosenFlows(input).map((flow) => [flow.manifest.name, nextDeployment(input, flow)]))
  const gone = (name: string): boolean => !names.includes(name) && (only?.includes(name) ?? true)
  const kept = Object.values(before).filter(({ flow }) => !next.has(flow) && !gone(flow))
  const record = releaseRecord({
    stack: settings.stack,
    madeBy: 'deploy',
    ...(commit && { commit }),
    bundles,
    ...(base && { images: base.images }),
    deployments: [...kept, ...next.values()],
  })
  return { record, changes: compareDeployments(before, record.deployments), left: leftOut(input) }
}
