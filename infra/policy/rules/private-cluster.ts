import type { PlannedResource } from '../../plan/planned-resource.ts'
import type { Fault, ResourcePolicy } from '../policy.ts'
import { at, is, isHidden, itemsAt, textAt } from '../values.ts'

export const privateCluster: ResourcePolicy = {
  name: 'private-cluster',
  description: 'Nodes have no address on the internet, and the control plane answers only networks that are named.',
  reason: 'Whoever reaches a node or the control plane is one unpatched hole away from every secret in the cluster.',
  *resource(resource) {
    const { type, inputs } = resource
    if (type === 'gcp:container/cluster:Cluster') yield* clusterFaults(resource)
    if (type === 'gcp:container/nodePool:NodePool' && at(inputs, 'networkConfig.enablePrivateNodes') === false) {
      yield { property: 'networkConfig.enablePrivateNodes', wrong: 'is false', fix: 'set it to true, or leave it out' }
    }
  },
}

function* clusterFaults({ inputs }: PlannedResource): Generator<Fault> {
  const privateNodes = at(inputs, 'privateClusterConfig.enablePrivateNodes')
  if (privateNodes !== true && !isHidden(privateNodes)) {
    yield { property: 'privateClusterConfig.enablePrivateNodes', wrong: is(privateNodes), fix: 'set it to true' }
  }
  // The address of the control plane is private, or off: the endpoint by name asks IAM before it lets anybody through.
  if (at(inputs, 'privateClusterConfig.enablePrivateEndpoint') === true) return
  if (at(inputs, 'controlPlaneEndpointsConfig.ipEndpointsConfig.enabled') === false) return
  const networks = at(inputs, 'masterAuthorizedNetworksConfig')
  if (networks === undefined) {
    yield {
      property: 'masterAuthorizedNetworksConfig',
      wrong: 'is missing, so that the whole internet reaches the control plane',
      fix: 'name the networks, or set privateClusterConfig.enablePrivateEndpoint to true',
    }
  }
  for (const { path, value } of itemsAt(inputs, 'masterAuthorizedNetworksConfig.cidrBlocks')) {
    if (!/\/0$/.test(textAt(value, 'cidrBlock') ?? '')) continue
    yield { property: `${path}.cidrBlock`, wrong: 'is the whole internet', fix: 'name the network that needs it' }
  }
  if (at(networks, 'gcpPublicCidrsAccessEnabled') === true) {
    yield {
      property: 'masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled',
      wrong: "is true, which is every customer's machine at Google",
      fix: 'set it to false',
    }
  }
}
