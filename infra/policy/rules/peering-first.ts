import type { PlanPolicy } from '../policy.ts'
import { dependenciesOf } from '../tree.ts'
import { at } from '../values.ts'

const NETWORK = 'settings.ipConfiguration.privateNetwork'

export const peeringFirst: PlanPolicy = {
  name: 'peering-first',
  description: "A database with a private address is made after the network is peered with Google's services.",
  reason: 'The instance names the network, not the peering: nothing else orders the two, on the way up or down.',
  *plan(plan) {
    const before = dependenciesOf(plan)
    const peerings = plan.resources.filter(({ type }) => type === 'gcp:servicenetworking/connection:Connection')
    for (const resource of plan.resources) {
      if (resource.type !== 'gcp:sql/databaseInstance:DatabaseInstance') continue
      if (at(resource.inputs, NETWORK) === undefined) continue
      if (peerings.some(({ urn }) => before(resource).has(urn))) continue
      yield {
        resource,
        property: 'dependsOn',
        wrong: 'does not wait for a servicenetworking.Connection',
        fix: 'add the one of its network',
      }
    }
  },
}
