import type { StackConfig } from '../config.ts'
import type { Agent } from './agent.ts'
import type { Cluster } from './cluster.ts'
import { GkeAgent } from './gke-agent.ts'
import type { WorkerHost } from './worker-cluster.ts'

/** The worker clusters on Cloud Run whose size an agent keeps: all, where it is the first that launches there. */
export function keptClusters({ agents, workerClusters }: StackConfig, agent: string): StackConfig['workerClusters'] {
  const first = Object.keys(agents).find((each) => agents[each]?.launcher === 'cloud-run')
  if (agent !== first) return {}
  return Object.fromEntries(Object.entries(workerClusters).filter(([, { on }]) => on === 'cloud-run'))
}

/** Where workers run, and which agent says how many there are to be: the first that launches there. */
export function workerHost(
  on: 'kubernetes' | 'cloud-run',
  agents: Readonly<Record<string, Agent>>,
  cluster: Cluster | undefined,
): WorkerHost {
  const agent = Object.values(agents).find(({ launcher }) => launcher === on)
  if (on === 'kubernetes' && cluster && agent instanceof GkeAgent) return { on, cluster, queues: agent.queues }
  if (on === 'cloud-run' && agent) return { on, scaler: agent.identity }
  throw new Error(`config lets no worker cluster be on ${on} without an agent that launches there`)
}
