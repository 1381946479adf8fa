import { fileURLToPath } from 'node:url'
import { apisOf } from './apis.ts'
import type { Agent, AgentArgs } from './components/agent.ts'
import { ArtifactRegistry } from './components/artifact-registry.ts'
import { Buckets } from './components/buckets.ts'
import { Budget } from './components/budget.ts'
import { CloudRunAgent } from './components/cloud-run-agent.ts'
import { Cluster } from './components/cluster.ts'
import { Console } from './components/console.ts'
import { Database } from './components/database.ts'
import { FlowDeployment } from './components/flow-deployment.ts'
import { FlowImages } from './components/flow-images.ts'
import type { Foundation } from './components/foundation.ts'
import { GithubDeployIdentity } from './components/github-deploy-identity.ts'
import { GkeAgent } from './components/gke-agent.ts'
import { LauncherRoles } from './components/launcher-roles.ts'
import { Monitoring } from './components/monitoring.ts'
import { Network } from './components/network.ts'
import { ProjectServices } from './components/project-services.ts'
import { Release } from './components/release.ts'
import { Secrets } from './components/secrets.ts'
import { VertexAgent } from './components/vertex-agent.ts'
import { WorkerCluster } from './components/worker-cluster.ts'
import { keptClusters, workerHost } from './components/worker-host.ts'
import type { AgentConfig } from './config.ts'
import { readStack } from './stack.ts'

/** Everything that exists in the cloud: config and the flows' manifests in, components out. */

const { place, config, manifests, bundles, images, commit } = await readStack(
  fileURLToPath(new URL('..', import.meta.url)),
)

const services = new ProjectServices('services', { place, apis: apisOf(config) })
const github = config.github && new GithubDeployIdentity('github', { place, services, config: config.github })
const registry = new ArtifactRegistry('registry', { place, services, config: config.registry })
const flowImages = new FlowImages('images', { registry, images, held: config.images })
const network = new Network('network', { place, services, config: config.network, forCluster: !!config.cluster })
const database = new Database('database', { place, services, network, config: config.database })
const buckets = new Buckets('buckets', { place, services, config: config.buckets })
const secrets = new Secrets('secrets', { place, services, secrets: config.secrets, values: config.secretValues })
const monitoring = new Monitoring('monitoring', {
  place,
  services,
  config: config.monitoring,
  withCluster: !!config.cluster,
})
monitoring.watch(database)
const launcherRoles = new LauncherRoles('launcher-roles', { place, services, launchers: cloudLaunchers() })
const foundation: Foundation = {
  place,
  services,
  network,
  registry,
  secrets,
  database,
  buckets,
  launcherRoles,
  deployer: github?.apply.member,
  images: flowImages,
}

const cluster = config.cluster && makeCluster(config.cluster)
const agents = Object.fromEntries(Object.entries(config.agents).map(([name, each]) => [name, makeAgent(name, each)]))
const workerClusters = Object.entries(config.workerClusters).map(
  ([name, each]) =>
    new WorkerCluster(`workers-${name}`, {
      foundation,
      workers: name,
      config: each,
      host: workerHost(each.on, agents, cluster),
    }),
)
const console_ = config.console && new Console('console', { foundation, config: config.console })
const flows = Object.entries(config.flows).map(([name, each]) => makeFlow(name, each))
const runners = [...Object.values(agents), ...workerClusters]
const release = new Release('release', { foundation, flows, runners, commit })
if (config.budget) {
  new Budget('budget', { place, services, config: config.budget, channels: monitoring.channels })
}
// Old versions of secrets go when everybody has been told the new ones.
secrets.retire([...runners, release])

/** What to set as variables of the stack's environment on GitHub. */
export const githubVariables = github?.variables
export const consoleUrl = console_?.service.uri
export const databaseUrl = database.url
export const releaseMade = release.id
export const imageRegistry = registry.url
/** Whether what holds data is protected. */
export const isProtected = place.protect

function cloudLaunchers() {
  return Object.values(config.agents).flatMap(({ launcher }) => (launcher === 'kubernetes' ? [] : [launcher]))
}

function makeCluster(each: NonNullable<typeof config.cluster>): Cluster {
  const scaling = Object.values(config.workerClusters).some(({ on }) => on === 'kubernetes')
  const { deployer } = foundation
  return new Cluster('cluster', { place, services, network, registry, config: each, scaling, deployer })
}

function makeAgent(agent: string, each: AgentConfig): Agent {
  const args: AgentArgs = { foundation, agent, config: each, backlogFor: config.monitoring.backlogFor }
  const name = `agent-${agent}`
  if (each.launcher === 'cloud-run') {
    return new CloudRunAgent(name, { ...args, workerClusters: keptClusters(config, agent) })
  }
  if (each.launcher === 'vertex') return new VertexAgent(name, args)
  if (!cluster) throw new Error('config lets nobody launch by kubernetes without a cluster')
  return new GkeAgent(name, { ...args, cluster })
}

function makeFlow(name: string, each: (typeof config.flows)[string]): FlowDeployment {
  const manifest = manifests.find((one) => one.name === name)
  const bundle = bundles.get(name)
  if (!manifest || !bundle) throw new Error('config names no flow that is not there')
  const { schedules } = config
  const { channels } = monitoring
  return new FlowDeployment(`flow-${name}`, {
    foundation,
    manifest,
    bundle,
    config: each,
    schedules,
    agents,
    cluster,
    channels,
  })
}
