import * as gcp from '@pulumi/gcp'
import * as kubernetes from '@pulumi/kubernetes'
import * as pulumi from '@pulumi/pulumi'
import type { ClusterConfig, NodePoolConfig } from '../config.ts'
import { labelsOf, type Place } from '../place.ts'
import type { ArtifactRegistry } from './artifact-registry.ts'
import { letDeploy } from './identity.ts'
import { Keda } from './keda.ts'
import { kubeconfig } from './kubeconfig.ts'
import { POOL_LABEL, SYSTEM_POOL } from './kubernetes-placement.ts'
import { type Network, PODS, SERVICES } from './network.ts'
import type { ProjectServices } from './project-services.ts'

const GIB = 2 ** 30

export interface ClusterArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly network: Network
  readonly registry: ArtifactRegistry
  readonly config: ClusterConfig
  /** Whether worker clusters are here, to be scaled. */
  readonly scaling: boolean
  /** Who applies the stack from GitHub. */
  readonly deployer: pulumi.Output<string> | undefined
}

/**
 * The Kubernetes cluster: private nodes, a small pool that is always there, and pools for drivers and workers that
 * begin at nothing. Its API is reached by name through Google's front end, where IAM decides who may; it has no address
 * on the internet. Images are streamed to nodes: a container starts before all of its image is there.
 */
export class Cluster extends pulumi.ComponentResource {
  readonly cluster: gcp.container.Cluster
  /** For everything in the cluster. */
  readonly provider: kubernetes.Provider
  /** Where the platform's own objects are. */
  readonly namespace: kubernetes.core.v1.Namespace
  readonly keda: Keda | undefined
  private readonly place: Place

  constructor(name: string, args: ClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Cluster', name, {}, opts)
    const { place, services, network, registry, config } = args
    const parent = this
    this.place = place
    const nodes = makeNodeAccount()
    this.cluster = makeCluster()
    const system = makePool(this.cluster, nodes, SYSTEM_POOL, {
      ...config.system,
      spot: false,
      disk: 50 * GIB,
      gpu: undefined,
    })
    for (const [pool, each] of Object.entries(config.nodePools)) makePool(this.cluster, nodes, pool, each)
    // Nothing can run before there is a node for it.
    this.provider = makeProvider(this.cluster, system)
    this.namespace = makeNamespace(this.provider)
    this.keda = args.scaling ? makeKeda(this.provider, this.namespace) : undefined
    this.registerOutputs({ cluster: this.cluster.name })

    function makeNodeAccount() {
      const { project } = place
      const account = new gcp.serviceaccount.Account(
        'nodes',
        {
          project,
          accountId: 'millrace-nodes',
          displayName: 'Millrace: nodes',
          description: 'Nodes of the cluster: they write logs and metrics and pull images',
          createIgnoreAlreadyExists: true,
        },
        { parent, dependsOn: services.of('iam') },
      )
      const logs = new gcp.projects.IAMMember(
        'nodes-default',
        { project, role: 'roles/container.defaultNodeServiceAccount', member: account.member },
        { parent },
      )
      const images = registry.grant('nodes', 'reader', account.member, parent)
      return { account, grants: [logs, images, ...letDeploy('nodes', args.deployer, account, parent)] }
    }

    function makeCluster() {
      return new gcp.container.Cluster(
        'cluster',
        {
          project: place.project,
          location: place.region,
          name: 'millrace',
          network: network.network.id,
          subnetwork: network.subnetwork.id,
          ipAllocationPolicy: { clusterSecondaryRangeName: PODS, servicesSecondaryRangeName: SERVICES },
          // Pools of our own replace the one that every cluster begins with.
          removeDefaultNodePool: true,
          initialNodeCount: 1,
          releaseChannel: { channel: config.channel },
          maintenancePolicy: {
            dailyMaintenanceWindow: { startTime: `${String(config.maintenanceHour).padStart(2, '0')}:00` },
          },
          datapathProvider: 'ADVANCED_DATAPATH',
          privateClusterConfig: { enablePrivateNodes: true },
          controlPlaneEndpointsConfig: {
            dnsEndpointConfig: { allowExternalTraffic: true },
            ipEndpointsConfig: { enabled: false },
          },
          workloadIdentityConfig: { workloadPool: `${place.project}.svc.id.goog` },
          deletionProtection: place.protect,
          resourceLabels: labelsOf(place, 'cluster'),
        },
        { parent, dependsOn: services.of('container', 'compute') },
      )
    }

    function makePool(
      cluster: gcp.container.Cluster,
      { account, grants }: ReturnType<typeof makeNodeAccount>,
      pool: string,
      each: NodePoolConfig,
    ) {
      return new gcp.container.NodePool(
        `pool-${pool}`,
        {
          project: place.project,
          location: place.region,
          name: pool,
          cluster: cluster.name,
          // Counted over all zones: spot machines come from whichever has some.
          autoscaling: {
            totalMinNodeCount: each.min,
            totalMaxNodeCount: each.max,
            locationPolicy: each.spot ? 'ANY' : 'BALANCED',
          },
          management: { autoRepair: true, autoUpgrade: true },
          nodeConfig: {
            machineType: each.machine,
            diskSizeGb: Math.ceil(each.disk / GIB),
            diskType: 'pd-balanced',
            imageType: 'COS_CONTAINERD',
            spot: each.spot,
            serviceAccount: account.email,
            // What it may do is decided by its account's roles, not by scopes.
            oauthScopes: ['https://www.googleapis.com/auth/cloud-platform'],
            gcfsConfig: { enabled: true },
            workloadMetadataConfig: { mode: 'GKE_METADATA' },
            shieldedInstanceConfig: { enableSecureBoot: true, enableIntegrityMonitoring: true },
            metadata: { 'disable-legacy-endpoints': 'true' },
            labels: { [POOL_LABEL]: pool },
            resourceLabels: labelsOf(place, `pool-${pool}`),
            // The cluster's own parts stay on the system pool, so that the others can go down to nothing.
            ...(pool !== SYSTEM_POOL && { taints: [{ key: POOL_LABEL, value: pool, effect: 'NO_SCHEDULE' }] }),
            ...(each.gpu && {
              guestAccelerators: [
                {
                  type: each.gpu.type,
                  count: each.gpu.count,
                  gpuDriverInstallationConfig: { gpuDriverVersion: 'DEFAULT' },
                },
              ],
            }),
          },
        },
        { parent, dependsOn: grants },
      )
    }

    function makeProvider(cluster: gcp.container.Cluster, system: gcp.container.NodePool) {
      return new kubernetes.Provider(
        'kubernetes',
        { kubeconfig: kubeconfig(cluster), enableServerSideApply: true },
        { parent, dependsOn: [system] },
      )
    }

    function makeNamespace(provider: kubernetes.Provider) {
      return new kubernetes.core.v1.Namespace(
        'namespace',
        { metadata: { name: 'millrace', labels: labelsOf(place, 'namespace') } },
        { parent, provider },
      )
    }

    function makeKeda(provider: kubernetes.Provider, watched: kubernetes.core.v1.Namespace) {
      return new Keda('keda', { place, config: config.keda, watched: watched.metadata.name }, { parent, provider })
    }
  }

  /** Lets what runs in the cluster as `account` be a service account of Google Cloud, without a key. */
  letBe(name: string, account: gcp.serviceaccount.Account, parent: pulumi.Resource): gcp.serviceaccount.IAMMember {
    return new gcp.serviceaccount.IAMMember(
      `${name}-workload-identity`,
      {
        serviceAccountId: account.name,
        role: 'roles/iam.workloadIdentityUser',
        member: pulumi.interpolate`serviceAccount:${this.place.project}.svc.id.goog[${this.namespace.metadata.name}/${name}]`,
      },
      // The pool of identities is there when the cluster is.
      { parent, dependsOn: [this.cluster] },
    )
  }
}
