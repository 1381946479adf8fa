import type { ResourcePolicy } from '../policy.ts'
import { at, numberAt } from '../values.ts'

export const nodePools: ResourcePolicy = {
  name: 'node-pools',
  description: 'A node pool that scales by itself says how far, and not how many nodes it has.',
  reason: 'A count beside autoscaling takes the pool back to it on every up, and cuts what runs.',
  *resource({ type, inputs }) {
    if (type !== 'gcp:container/nodePool:NodePool' || at(inputs, 'autoscaling') === undefined) return
    if (at(inputs, 'nodeCount') !== undefined) {
      yield { property: 'nodeCount', wrong: 'is given beside autoscaling', fix: 'remove it' }
    }
    const perZone = ['minNodeCount', 'maxNodeCount'] as const
    const inAll = ['totalMinNodeCount', 'totalMaxNodeCount'] as const
    for (const [least, most] of [perZone, inAll]) {
      const [min, max] = [numberAt(inputs, `autoscaling.${least}`), numberAt(inputs, `autoscaling.${most}`)]
      if ((min ?? 0) > (max ?? Number.POSITIVE_INFINITY)) {
        yield { property: `autoscaling.${least}`, wrong: `is ${min}, more than ${most}`, fix: `make it ${max} or less` }
      }
    }
    const given = (keys: readonly string[]) => keys.some((key) => (numberAt(inputs, `autoscaling.${key}`) ?? 0) > 0)
    if (given(perZone) && given(inAll)) {
      yield { property: 'autoscaling', wrong: 'counts nodes per zone and in all', fix: 'leave one of the two out' }
    }
  },
}
