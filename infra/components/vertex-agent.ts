import type * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import { type Agent, type AgentArgs, agentEnvironment, makeAgentIdentity } from './agent.ts'
import type { Identity } from './identity.ts'
import { makeRunPool } from './run-pool.ts'

/** An agent on Cloud Run that launches runs as custom jobs of Vertex AI, on machines of any size, with GPUs. */
export class VertexAgent extends pulumi.ComponentResource implements Agent {
  readonly launcher = 'vertex'
  readonly identity: Identity
  readonly pool: gcp.cloudrunv2.WorkerPool

  constructor(name: string, args: AgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:VertexAgent', name, {}, opts)
    const { foundation, agent, config } = args
    const { place, services, network } = foundation
    this.identity = makeAgentIdentity(args, this)
    this.pool = makeRunPool(
      foundation,
      {
        name: `agent-${agent}`,
        image: foundation.images.of('agent'),
        identity: this.identity,
        // Its jobs reach the database by the network that is peered with Google's services. Vertex AI takes it with the
        // project's number alone.
        environment: agentEnvironment(args, {
          MILLRACE_NETWORK: pulumi.interpolate`projects/${place.projectNumber}/global/networks/${network.network.name}`,
        }),
        cpu: config.cpu,
        memory: config.memory,
        count: config.replicas,
        dependsOn: [
          ...services.of('aiplatform'),
          network.peering,
          ...foundation.launcherRoles.grant(agent, 'vertex', this.identity.member, this),
        ],
      },
      this,
    )
    this.registerOutputs({ pool: this.pool.name })
  }
}
