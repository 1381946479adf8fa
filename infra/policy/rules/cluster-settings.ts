import type { ResourcePolicy } from '../policy.ts'
import { at, itemsAt, numberAt, textAt } from '../values.ts'

export const clusterSettings: ResourcePolicy = {
  name: 'cluster-settings',
  description: 'The settings of a GKE cluster fit together, and none makes it anew on every up.',
  reason: 'Google refuses the rest when the cluster is made; replacing a cluster ends everything in it.',
  *resource({ type, inputs }) {
    if (type !== 'gcp:container/cluster:Cluster') return
    if (at(inputs, 'enableAutopilot') === true) {
      for (const property of ['removeDefaultNodePool', 'initialNodeCount', 'nodePools']) {
        if (at(inputs, property) === undefined) continue
        yield { property, wrong: 'is given to an Autopilot cluster, which makes its own nodes', fix: 'remove it' }
      }
      if (at(inputs, 'nodeConfig.serviceAccount') !== undefined) {
        yield {
          property: 'nodeConfig.serviceAccount',
          wrong: 'is given to an Autopilot cluster, which is then replaced by every up',
          fix: 'use clusterAutoscaling.autoProvisioningDefaults.serviceAccount, with oauthScopes',
        }
      }
    } else if (itemsAt(inputs, 'nodePools').length === 0 && (numberAt(inputs, 'initialNodeCount') ?? 0) < 1) {
      yield {
        property: 'initialNodeCount',
        wrong: 'is missing, and a cluster begins with a node pool',
        fix: 'set it to 1, with removeDefaultNodePool: true where pools of our own take its place',
      }
    }
    const pool = textAt(inputs, 'workloadIdentityConfig.workloadPool')
    if (pool !== undefined && !/^[a-z][a-z0-9:.-]*\.svc\.id\.goog$/.test(pool)) {
      yield {
        property: 'workloadIdentityConfig.workloadPool',
        wrong: `is "${pool}", which Google refuses`,
        fix: 'write PROJECT.svc.id.goog',
      }
    }
  },
}
