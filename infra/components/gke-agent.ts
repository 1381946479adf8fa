import * as kubernetes from '@pulumi/kubernetes'
import * as pulumi from '@pulumi/pulumi'
import { labelsOf } from '../place.ts'
import { type Agent, type AgentArgs, agentEnvironment, makeAgentIdentity } from './agent.ts'
import type { Cluster } from './cluster.ts'
import type { Identity } from './identity.ts'
import { NOT_WAITED_FOR, SYSTEM_POOL } from './kubernetes-placement.ts'
import { makeWorkload, type Workload } from './kubernetes-workload.ts'

/** The port at which it tells KEDA how long the queue of a worker cluster is: `/queues/NAME`. */
const PORT = 8080

export interface GkeAgentArgs extends AgentArgs {
  readonly cluster: Cluster
}

/**
 * An agent in the Kubernetes cluster that launches runs as Jobs there. It may make and end Jobs, look at their pods and
 * read what they log, in the platform's namespace alone.
 */
export class GkeAgent extends pulumi.ComponentResource implements Agent {
  readonly launcher = 'kubernetes'
  readonly identity: Identity
  /** Where KEDA asks how many tasks wait. */
  readonly queues: pulumi.Output<string>

  constructor(name: string, args: GkeAgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:GkeAgent', name, {}, opts)
    const { foundation, agent, config, cluster } = args
    const parent = this
    const { provider, namespace } = cluster
    const objects = `agent-${agent}`
    this.identity = makeAgentIdentity(args, this)
    const workload = makeWorkload(
      {
        foundation,
        cluster,
        name: objects,
        image: foundation.images.of('agent'),
        identity: this.identity,
        environment: agentEnvironment(args, {
          MILLRACE_NAMESPACE: namespace.metadata.name,
          MILLRACE_PORT: String(PORT),
        }),
        cpu: config.cpu,
        memory: config.memory,
        replicas: config.replicas,
        pool: SYSTEM_POOL,
        spot: false,
        grace: 60,
        port: PORT,
      },
      this,
    )
    grantJobs(workload)
    const service = makeService(workload)
    this.queues = pulumi.interpolate`http://${service.metadata.name}.${namespace.metadata.name}.svc.cluster.local:${PORT}/queues`
    this.registerOutputs({ queues: this.queues })

    function metadata() {
      return { name: objects, namespace: namespace.metadata.name, labels: labelsOf(foundation.place, objects) }
    }

    function grantJobs({ account }: Workload) {
      const role = new kubernetes.rbac.v1.Role(
        objects,
        {
          metadata: metadata(),
          rules: [
            { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'patch', 'delete'] },
            { apiGroups: [''], resources: ['pods', 'events'], verbs: ['list'] },
            { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
          ],
        },
        { parent, provider },
      )
      new kubernetes.rbac.v1.RoleBinding(
        objects,
        {
          metadata: metadata(),
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role.metadata.name },
          subjects: [{ kind: 'ServiceAccount', name: account.metadata.name, namespace: namespace.metadata.name }],
        },
        { parent, provider },
      )
    }

    function makeService({ selector }: Workload) {
      return new kubernetes.core.v1.Service(
        objects,
        {
          metadata: { ...metadata(), annotations: NOT_WAITED_FOR },
          spec: {
            type: 'ClusterIP',
            selector: { ...selector },
            ports: [{ name: 'http', port: PORT, targetPort: 'http' }],
          },
        },
        { parent, provider },
      )
    }
  }
}
