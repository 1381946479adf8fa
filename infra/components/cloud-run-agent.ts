import type * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { WorkerClusterConfig } from '../config.ts'
import { type Agent, type AgentArgs, agentEnvironment, makeAgentIdentity } from './agent.ts'
import type { Identity } from './identity.ts'
import { makeRunPool } from './run-pool.ts'
import { workersName } from './worker-cluster.ts'

export interface CloudRunAgentArgs extends AgentArgs {
  /** Worker clusters whose size it keeps. */
  readonly workerClusters: Readonly<Record<string, WorkerClusterConfig>>
}

/** An agent on Cloud Run that launches runs as jobs of Cloud Run, and keeps the size of worker clusters there. */
export class CloudRunAgent extends pulumi.ComponentResource implements Agent {
  readonly launcher = 'cloud-run'
  readonly identity: Identity
  readonly pool: gcp.cloudrunv2.WorkerPool

  constructor(name: string, args: CloudRunAgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:CloudRunAgent', name, {}, opts)
    const { foundation, agent, config } = args
    const { network, registry, launcherRoles } = foundation
    this.identity = makeAgentIdentity(args, this)
    this.pool = makeRunPool(
      foundation,
      {
        name: `agent-${agent}`,
        image: foundation.images.of('agent'),
        identity: this.identity,
        // Its jobs reach the database by the network, whose subnetwork has the same name.
        environment: agentEnvironment(args, {
          MILLRACE_NETWORK: network.network.name,
          MILLRACE_POOLS: poolsOf(args.workerClusters),
        }),
        cpu: config.cpu,
        memory: config.memory,
        count: config.replicas,
        dependsOn: [
          ...launcherRoles.grant(agent, 'cloud-run', this.identity.member, this),
          // Cloud Run asks whether who names an image may read it.
          registry.grant(`agent-${agent}`, 'reader', this.identity.member, this),
        ],
      },
      this,
    )
    this.registerOutputs({ pool: this.pool.name })
  }
}

/** What it is told of them (platform/agents/scale/pool-settings.ts); nothing where there are none. */
function poolsOf(workerClusters: CloudRunAgentArgs['workerClusters']): string {
  const pools = Object.entries(workerClusters).map(([name, { min, max, tasksPerWorker, cooldown }]) => [
    name,
    { pool: workersName(name), min, max, tasksPerWorker, cooldown },
  ])
  return pools.length > 0 ? JSON.stringify(Object.fromEntries(pools)) : ''
}
