import type { ResourcePolicy } from '../policy.ts'
import { at, is, isHidden, itemsAt } from '../values.ts'

const MACHINES = /^gcp:compute\/(?:instance|instanceTemplate|regionInstanceTemplate|instanceFromTemplate):/
const ENTRANCES = /^gcp:compute\/(?:forwardingRule|globalForwardingRule):/

export const privateMachines: ResourcePolicy = {
  name: 'private-machines',
  description: 'No machine has an address on the internet, and no load balancer listens there.',
  reason: 'The way out is NAT; the only way in is the console behind IAP.',
  *resource({ type, inputs }) {
    if (MACHINES.test(type)) {
      for (const { path, value } of itemsAt(inputs, 'networkInterfaces')) {
        for (const key of ['accessConfigs', 'ipv6AccessConfigs']) {
          // Even an empty one asks for an address.
          if (itemsAt(value, key).length === 0) continue
          yield {
            property: `${path}.${key}`,
            wrong: 'gives it an external address',
            fix: 'remove it; NAT is the way out',
          }
        }
      }
    }
    if (ENTRANCES.test(type)) {
      const scheme = at(inputs, 'loadBalancingScheme')
      if (!isHidden(scheme) && !String(scheme ?? 'EXTERNAL').startsWith('INTERNAL')) {
        yield { property: 'loadBalancingScheme', wrong: is(scheme), fix: 'set it to "INTERNAL" or "INTERNAL_MANAGED"' }
      }
    }
    if (type === 'gcp:compute/globalAddress:GlobalAddress' && at(inputs, 'addressType') !== 'INTERNAL') {
      yield { property: 'addressType', wrong: is(at(inputs, 'addressType')), fix: 'set it to "INTERNAL"' }
    }
    if (type === 'gcp:compute/subnetwork:Subnetwork' && at(inputs, 'ipv6AccessType') === 'EXTERNAL') {
      yield { property: 'ipv6AccessType', wrong: 'is "EXTERNAL"', fix: 'set it to "INTERNAL", or leave it out' }
    }
  },
}
