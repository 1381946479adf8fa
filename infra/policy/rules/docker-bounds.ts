import { isDockerContainer } from '../docker.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, is, isHidden, numberAt } from '../values.ts'

export const dockerBounds: ResourcePolicy = {
  name: 'docker-bounds',
  description: 'A container has bounds: to its memory, swap included, and to its log.',
  reason: 'A machine that has no memory or no disk left stops everything on it, the database first.',
  *resource(resource) {
    if (!isDockerContainer(resource)) return
    const { inputs } = resource
    const memory = numberAt(inputs, 'memory')
    if (memory === undefined && !isHidden(inputs.memory)) {
      yield { property: 'memory', wrong: is(inputs.memory), fix: 'set it, in MiB' }
    } else if (numberAt(inputs, 'memorySwap') !== memory && !isHidden(inputs.memorySwap)) {
      yield {
        property: 'memorySwap',
        wrong: is(inputs.memorySwap),
        fix: 'set it to what memory is: none of it is swapped',
      }
    }
    const size = at(inputs, 'logOpts.max-size')
    if (size === undefined)
      yield { property: 'logOpts.max-size', wrong: is(size), fix: 'set it, for instance to "10m"' }
  },
}
