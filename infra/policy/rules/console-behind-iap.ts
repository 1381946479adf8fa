import type { ResourcePolicy } from '../policy.ts'
import { isInside } from '../tree.ts'
import { at, is, isHidden } from '../values.ts'

const PRIVATE = ['INGRESS_TRAFFIC_INTERNAL_ONLY', 'INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER']

export const consoleBehindIap: ResourcePolicy = {
  name: 'console-behind-iap',
  description: 'The console is the one Cloud Run service that the internet reaches, and IAP stands before it.',
  reason: 'IAP asks who somebody is before the first byte reaches us; no other service has a reason to be reached.',
  *resource(resource) {
    const { type, inputs } = resource
    if (/^gcp:(?:cloudrun\/service|cloudfunctions\/function|cloudfunctionsv2\/function):/.test(type)) {
      yield { property: 'type', wrong: 'has no rule here', fix: 'use cloudrunv2.Service, whose ingress is watched' }
    }
    if (type !== 'gcp:cloudrunv2/service:Service') return
    if (at(inputs, 'invokerIamDisabled') === true) {
      yield { property: 'invokerIamDisabled', wrong: 'is true, so anybody may call it', fix: 'remove it' }
    }
    const ingress = at(inputs, 'ingress')
    if (isHidden(ingress) || PRIVATE.includes(String(ingress))) return
    if (!isInside(resource, 'Console')) {
      yield {
        property: 'ingress',
        wrong: `${is(ingress)}${ingress === undefined ? ', which is all of the internet at Google' : ''}`,
        fix: 'set it to "INGRESS_TRAFFIC_INTERNAL_ONLY"; only the console may be reached from outside',
      }
    } else if (at(inputs, 'iapEnabled') !== true) {
      yield { property: 'iapEnabled', wrong: is(at(inputs, 'iapEnabled')), fix: 'set it to true' }
    }
  },
}
