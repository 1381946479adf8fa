import type * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import { type Agent, type AgentArgs, agentEnvironment, makeAgentIdentity } from './agent.ts'
import type { Identity } from './identity.ts'
import { makeRunPool } from './run-pool.ts'

/** An agent on Cloud Run that launches runs as jobs of Cloud Run, and keeps the size of worker clusters there. */
export class CloudRunAgent extends pulumi.ComponentResource implements Agent {
  readonly launcher = 'cloud-run'
  readonly identity: Identity
  readonly pool: gcp.cloudrunv2.WorkerPool

  constructor(name: string, args: AgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:CloudRunAgent', name, {}, opts)
    const { foundation, agent, config } = args
    this.identity = makeAgentIdentity(args, this)
    this.pool = makeRunPool(
      foundation,
      {
        name: `agent-${agent}`,
        image: foundation.registry.image('agent', foundation.images.agent),
        identity: this.identity,
        environment: agentEnvironment(args),
        cpu: config.cpu,
        memory: config.memory,
        count: config.replicas,
        dependsOn: foundation.launcherRoles.grant(agent, 'cloud-run', this.identity.member, this),
      },
      this,
    )
    this.registerOutputs({ pool: this.pool.name })
  }
}
