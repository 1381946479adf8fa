import { isDockerContainer } from '../docker.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, is, isHidden, itemsAt } from '../values.ts'

const OWN_ADDRESSES = ['127.0.0.1', '::1']

export const dockerPorts: ResourcePolicy = {
  name: 'docker-ports',
  description: 'What a container publishes, only programs of its own machine can reach.',
  reason: 'Docker publishes to every network of the machine, past its firewall, and nothing here asks who somebody is.',
  *resource(resource) {
    if (!isDockerContainer(resource)) return
    const { inputs } = resource
    if (inputs.publishAllPorts === true) {
      yield { property: 'publishAllPorts', wrong: 'is true', fix: 'name each port, and the address 127.0.0.1' }
    }
    for (const { path, value } of itemsAt(inputs, 'ports')) {
      const address = at(value, 'ip')
      if (isHidden(address) || OWN_ADDRESSES.some((each) => each === address)) continue
      yield { property: `${path}.ip`, wrong: is(address), fix: 'set it to "127.0.0.1"' }
    }
  },
}
