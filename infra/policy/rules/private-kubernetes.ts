import { isRecord, type PlannedResource } from '../../plan/planned-resource.ts'
import type { Fault, ResourcePolicy } from '../policy.ts'
import { at, type Found, isHidden, itemsAt } from '../values.ts'

export const privateKubernetes: ResourcePolicy = {
  name: 'private-kubernetes',
  description: 'Nothing in the cluster is reachable from outside: no load balancer, no node port, no ingress.',
  reason: 'Agents and workers ask for work; nobody has to reach them.',
  *resource(resource) {
    const { type, inputs } = resource
    if (type === 'kubernetes:core/v1:Service') yield* serviceFaults(resource)
    if (/^kubernetes:(?:networking\.k8s\.io|extensions)\/\w+:Ingress$/.test(type)) {
      const kind = at(inputs, 'spec.ingressClassName') ?? annotation(inputs, 'kubernetes.io/ingress.class')
      if (kind !== 'gce-internal') {
        yield {
          property: 'spec',
          wrong: 'makes an external load balancer',
          fix: 'remove it, or use class gce-internal',
        }
      }
    }
    if (/^kubernetes:gateway\.networking\.k8s\.io\/\w+:Gateway$/.test(type)) {
      const kind = at(inputs, 'spec.gatewayClassName')
      if (!isHidden(kind) && !/(?:rilb|internal)/.test(String(kind))) {
        yield {
          property: 'spec.gatewayClassName',
          wrong: 'makes an external load balancer',
          fix: 'remove it, or use gke-l7-rilb',
        }
      }
    }
  },
}

function* serviceFaults({ inputs }: PlannedResource): Generator<Fault> {
  const type = at(inputs, 'spec.type')
  if (type === 'NodePort') {
    yield { property: 'spec.type', wrong: 'is "NodePort", a port on every node', fix: 'use "ClusterIP"' }
  }
  if (type === 'LoadBalancer' && annotation(inputs, 'networking.gke.io/load-balancer-type') !== 'Internal') {
    yield { property: 'spec.type', wrong: 'is "LoadBalancer", an address on the internet', fix: 'use "ClusterIP"' }
  }
  if (itemsAt(inputs, 'spec.externalIPs').length > 0) {
    yield { property: 'spec.externalIPs', wrong: 'gives it external addresses', fix: 'remove it' }
  }
}

function annotation(inputs: Found, key: string): Found {
  const annotations = at(inputs, 'metadata.annotations')
  return isRecord(annotations) ? annotations[key] : annotations
}
