import { isDockerContainer } from '../docker.ts'
import type { ResourcePolicy } from '../policy.ts'
import { isInside } from '../tree.ts'
import { is, itemsAt, textAt } from '../values.ts'

const AGENT = 'LocalAgent'
/** The engine's socket, and folders that it, or the machine's own settings, are in. */
const POWER = /^(?:\/|\/(?:var|var\/run|run|var\/lib|var\/lib\/docker|etc|proc|sys|dev|boot|root|home)|.*\.sock)$/

export const dockerSocket: ResourcePolicy = {
  name: 'docker-socket',
  description:
    'The agent, and nothing else, is given the socket of an engine; nobody the folders of the machine itself.',
  reason: 'Whoever may write to that socket is root on its machine, whatever the container that it is in may do.',
  *resource(resource) {
    if (!isDockerContainer(resource)) return
    const isAgent = isInside(resource, AGENT)
    const paths = [
      ...itemsAt(resource.inputs, 'volumes').map(({ path, value }) => ({
        path: `${path}.hostPath`,
        from: textAt(value, 'hostPath'),
      })),
      ...itemsAt(resource.inputs, 'mounts').map(({ path, value }) => ({
        path: `${path}.source`,
        from: textAt(value, 'source'),
      })),
    ]
    for (const { path, from } of paths) {
      const folder = from?.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '')
      if (folder === undefined || !POWER.test(folder) || (isAgent && folder.endsWith('.sock'))) continue
      yield { property: path, wrong: is(from), fix: 'remove it: the agent alone starts containers' }
    }
  },
}
