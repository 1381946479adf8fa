import type { DeploymentRecord } from '@millrace/engine'
import { type Effective, type EffectiveDeployment, effectiveDeployments } from '@millrace/release/records'
import { type Store, withoutUndefined } from '@millrace/sdk'

/**
 * Follows the releases in a record store, so that an `up`, a deploy or a rollback counts within seconds, with nobody in
 * between: what comes of it gives all deployments as they are now, or undefined where nothing has changed since.
 */
export function followReleases(records: Store): () => Promise<readonly DeploymentRecord[] | undefined> {
  let before: Effective | undefined
  let text = ''
  return async () => {
    before = await effectiveDeployments(records, before)
    const { state, record } = before
    // Records where nothing was ever released say nothing of what is deployed.
    if (!state.head && state.release === undefined) return undefined
    const stack = record?.stack ?? 'dev'
    const all = before.deployments.map((each) =>
      deploymentRecord(each, { stack, release: state.release, commit: record?.commit?.id }),
    )
    const now = JSON.stringify(all)
    if (now === text) return undefined
    text = now
    return all
  }
}

/** Pure: a deployment of a release as the engine keeps it. */
export function deploymentRecord(
  each: EffectiveDeployment,
  of: { readonly stack: string; readonly release: string | undefined; readonly commit: string | undefined },
): DeploymentRecord {
  const { launcher, ...driver } = each.runOn
  const { schedule, branch, timeout, image, cluster, account, store } = each
  return {
    name: each.name,
    flow: each.flow,
    description: each.description,
    owner: each.owner,
    contact: each.contact,
    queue: each.queue,
    labels: each.labels,
    params: each.params,
    env: of.stack,
    // Relative to where processes keep bundles that they brought.
    source: { flow: each.flow, path: `bundles/${each.flow}/${each.bundle}.mjs`, digest: each.bundle },
    job: {
      bundles: each.bundles,
      driver: withoutUndefined(driver),
      workers: { ...withoutUndefined(each.workers), count: each.workers.count },
      secretVersions: each.secretVersions,
      ...(image !== undefined && { image }),
      ...(cluster !== undefined && { cluster }),
      ...(account !== undefined && { account }),
      ...(store !== undefined && { store }),
    },
    ...(launcher !== undefined && { launcher }),
    ...(branch !== undefined && { branch }),
    ...(timeout !== undefined && { timeout }),
    ...(of.release !== undefined && { release: of.release }),
    ...(of.commit !== undefined && { commit: of.commit }),
    ...(schedule && { schedule: { ...schedule, paused: each.paused } }),
  }
}
